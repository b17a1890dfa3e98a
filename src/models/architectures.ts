/** The sizes of every backbone, and where its units stride and dilate. Plain numbers: no tensors. */
export interface Root {
  readonly kernel: number
  readonly stride: number
  readonly channels: number
  /** A 3×3 max-pool with stride 2 follows. */
  readonly pool: boolean
}

/** basic: two 3×3 convolutions. bottleneck: 1×1, 3×3 and 1×1, the last with four times as many channels. */
export type UnitKind = 'basic' | 'bottleneck'

export interface Architecture {
  readonly unit: UnitKind
  readonly root: Root
  /** stride: the stride between this block and the next. */
  readonly blocks: readonly { readonly base: number; readonly units: number; readonly stride: number }[]
}

/** Where the stride between two blocks is: last unit of the first block (TF-slim), first unit of the second (torchvision). */
export type StridePlacement = 'lastUnit' | 'firstUnit'

export interface UnitPlan {
  readonly kind: UnitKind
  readonly name: string
  readonly inChannels: number
  /** Channels inside of the unit. */
  readonly base: number
  readonly outChannels: number
  readonly stride: number
  /** Of the filters before the stride. */
  readonly dilation: number
  /** Of the filters after the stride. */
  readonly nextDilation: number
  /** Image pixels from one output pixel to the next. */
  readonly outputStride: number
}

/** How many times its base channels a unit has as output. */
const EXPANSION: Readonly<Record<UnitKind, number>> = { basic: 1, bottleneck: 4 }

const imagenet = (unit: UnitKind, units: readonly [number, number, number, number]): Architecture => ({
  unit,
  root: { kernel: 7, stride: 2, channels: 64, pool: true },
  blocks: units.map((count, i) => ({ base: 64 << i, units: count, stride: i < 3 ? 2 : 1 })),
})

/**
 * By the names of `spec.model.backbone`; a name that is missing here is a type error in src/tasks. resnet18 is for
 * small jobs and benchmarks. resnet-mini is for 32×32 images and trains on hundreds of images a second on one core.
 */
export const ARCHITECTURES = {
  resnet18: imagenet('basic', [2, 2, 2, 2]),
  resnet50: imagenet('bottleneck', [3, 4, 6, 3]),
  resnet101: imagenet('bottleneck', [3, 4, 23, 3]),
  resnet152: imagenet('bottleneck', [3, 8, 36, 3]),
  'resnet-mini': {
    unit: 'bottleneck',
    root: { kernel: 3, stride: 2, channels: 24, pool: false },
    blocks: [
      { base: 16, units: 1, stride: 1 },
      { base: 24, units: 1, stride: 2 },
      { base: 32, units: 2, stride: 1 },
    ],
  },
} as const satisfies Readonly<Record<string, Architecture>>
export type BackboneName = keyof typeof ARCHITECTURES
export const BACKBONES = Object.keys(ARCHITECTURES) as BackboneName[]

/**
 * Plans the units of every block. A stride that would exceed `outputStride` becomes a dilation of the units after it, so
 * that their filters cover the same image pixels (paper.md §4.5).
 */
export function planBlocks(
  { unit: kind, root, blocks }: Architecture,
  { placement, outputStride }: { placement: StridePlacement; outputStride: number },
): UnitPlan[][] {
  let [inChannels, stride, dilation] = [root.channels, root.stride * (root.pool ? 2 : 1), 1]
  return blocks.map(({ base, units }, block) => {
    const outChannels = base * EXPANSION[kind]
    return Array.from({ length: units }, (_, i) => {
      const wanted = strideAt(blocks, block, i, placement)
      const own = stride * wanted <= outputStride ? wanted : 1
      stride *= own
      const name = `block${block + 1}/unit_${i + 1}`
      const nextDilation = dilation * (wanted / own)
      const unit = {
        kind,
        name,
        inChannels,
        base,
        outChannels,
        stride: own,
        dilation,
        nextDilation,
        outputStride: stride,
      }
      dilation = nextDilation
      inChannels = outChannels
      return unit
    })
  })
}

function strideAt(blocks: Architecture['blocks'], block: number, unit: number, placement: StridePlacement): number {
  if (placement === 'firstUnit') return unit === 0 ? (blocks[block - 1]?.stride ?? 1) : 1
  const { units, stride } = blocks[block] as Architecture['blocks'][number]
  return unit === units - 1 ? stride : 1
}
