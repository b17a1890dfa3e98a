/** The sizes of every backbone, and where its units stride and dilate. Plain numbers: no tensors. */
export interface Root {
  readonly kernel: number
  readonly stride: number
  readonly channels: number
  /** A 3×3 max-pool with stride 2 follows. */
  readonly pool: boolean
}

export interface Architecture {
  readonly root: Root
  /** stride: the stride between this block and the next. */
  readonly blocks: readonly { readonly base: number; readonly units: number; readonly stride: number }[]
}

/** Where the stride between two blocks is: last unit of the first block (TF-slim), first unit of the second (torchvision). */
export type StridePlacement = 'lastUnit' | 'firstUnit'

export interface UnitPlan {
  readonly name: string
  readonly inChannels: number
  readonly base: number
  readonly stride: number
  readonly dilation: number
  /** Image pixels from one output pixel to the next. */
  readonly outputStride: number
}

/** A bottleneck unit has this many times its base channels as output. */
export const EXPANSION = 4

const imagenet = (units: readonly [number, number, number, number]): Architecture => ({
  root: { kernel: 7, stride: 2, channels: 64, pool: true },
  blocks: units.map((count, i) => ({ base: 64 << i, units: count, stride: i < 3 ? 2 : 1 })),
})

/**
 * By the names of `spec.model.backbone`; a name that is missing here is a type error in src/tasks. resnet-mini is for
 * 32×32 images. It trains on hundreds of images a second on one core.
 */
export const ARCHITECTURES = {
  resnet50: imagenet([3, 4, 6, 3]),
  resnet101: imagenet([3, 4, 23, 3]),
  resnet152: imagenet([3, 8, 36, 3]),
  'resnet-mini': {
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
  { root, blocks }: Architecture,
  { placement, outputStride }: { placement: StridePlacement; outputStride: number },
): UnitPlan[][] {
  let [inChannels, stride, dilation] = [root.channels, root.stride * (root.pool ? 2 : 1), 1]
  return blocks.map(({ base, units }, block) =>
    Array.from({ length: units }, (_, i) => {
      const wanted = strideAt(blocks, block, i, placement)
      const own = stride * wanted <= outputStride ? wanted : 1
      stride *= own
      const name = `block${block + 1}/unit_${i + 1}`
      const unit = { name, inChannels, base, stride: own, dilation, outputStride: stride }
      dilation *= wanted / own
      inChannels = base * EXPANSION
      return unit
    }),
  )
}

function strideAt(blocks: Architecture['blocks'], block: number, unit: number, placement: StridePlacement): number {
  if (placement === 'firstUnit') return unit === 0 ? (blocks[block - 1]?.stride ?? 1) : 1
  const { units, stride } = blocks[block] as Architecture['blocks'][number]
  return unit === units - 1 ? stride : 1
}
