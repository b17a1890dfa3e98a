/** Divides the WebAssembly memory of a shard, which the threads of its kernels share: its arrays, then regions for its weights and the bodies of pushes and pulls. */
import { DownpourError } from '../support/errors.ts'
import type { ShardLayout } from '../wire/layout.ts'
import { Regions, regionBytes } from '../wire/regions.ts'

const PAGE_BYTES = 65536
/** The limit of a WebAssembly memory, 4 GiB. */
const MAX_BYTES = 65536 * PAGE_BYTES
const LINE_BYTES = 64
/** So many bodies at once are enough for any number of workers: they share the network of one machine. */
const MAX_REGIONS = 256

export interface ShardMemory {
  readonly memory: WebAssembly.Memory
  readonly arrays: readonly Float32Array[]
  readonly bodies: Regions
}

/**
 * @param lengths of the arrays, in elements
 * @param bodyLimitBytes of all bodies together, besides the weights; there is room for one body of any size
 * @throws DownpourError LAYOUT_TOO_LARGE above 4 GiB
 */
export function divideMemory(layout: ShardLayout, lengths: readonly number[], bodyLimitBytes: number): ShardMemory {
  const starts = lengths.map((_, i) => lengths.slice(0, i).reduce((sum, length) => sum + alignedBytes(length), 0))
  const fixedBytes = lengths.reduce((sum, length) => sum + alignedBytes(length), 0)
  const bodyBytes = regionBytes(4 * layout.total)
  const fitting = Math.floor((MAX_BYTES - fixedBytes) / bodyBytes)
  if (fitting < 2) throw tooLarge(layout, fixedBytes + 2 * bodyBytes)
  const bodies = Math.min(MAX_REGIONS, Math.max(1, Math.floor(bodyLimitBytes / bodyBytes)))
  const count = Math.min(fitting, 1 + bodies)
  const pages = Math.ceil((fixedBytes + count * bodyBytes) / PAGE_BYTES)
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true })
  const arrays = lengths.map((length, i) => new Float32Array(memory.buffer, starts[i], length))
  return { memory, arrays, bodies: new Regions(memory, fixedBytes, 4 * layout.total, count) }
}

function alignedBytes(elements: number): number {
  return Math.ceil((4 * elements) / LINE_BYTES) * LINE_BYTES
}

function tooLarge({ index }: ShardLayout, bytes: number): DownpourError {
  return new DownpourError(
    'LAYOUT_TOO_LARGE',
    `shard ${index} needs ${Math.ceil(bytes / 2 ** 30)} GiB with its optimizer state; the limit is 4: use more parameter servers`,
    { shard: index, bytes },
  )
}
