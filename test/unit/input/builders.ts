/** Lease sources with a fixed list of leases, and the input of a task with labels. */
import type { Lease } from '../../../src/contract/exchange.ts'
import type { InputConfig } from '../../../src/contract/runtime.ts'
import type { ClassLabels } from '../../../src/data/dataset.ts'
import type { LeaseSource } from '../../../src/input/batch.ts'
import type { Loaded } from '../../../src/input/decoded-cache.ts'
import { type ExampleReader, examplesOf } from '../../../src/input/examples.ts'
import type { Decoded } from '../../../src/input/pipeline.ts'
import { squareCrop } from '../../../src/input/square-crop.ts'

export const SQUARE: InputConfig = { resizePixels: 6, cropPixels: 4, flip: true, resizeFilter: 'lanczos3' }

/** The input section of a job. */
export const INPUT = {
  type: 'multi-label',
  options: { classes: 4, headSlices: 1 },
  input: { resizePixels: 10, cropPixels: 8, flip: true },
}

export const PIPELINE = squareCrop(SQUARE, ({ labels }: ClassLabels) => ({ labels }))

/** Hands out these leases, then null, and records requested and returned leases. */
export class ListedLeases implements LeaseSource {
  asked = 0
  readonly returned: Lease[] = []
  readonly #leases: Iterator<Lease>

  constructor(leases: Iterable<Lease>) {
    this.#leases = leases[Symbol.iterator]()
  }

  async next(): Promise<Lease | null> {
    this.asked++
    const { value, done } = this.#leases.next()
    return done ? null : value
  }

  async done(lease: Lease): Promise<void> {
    this.returned.push(lease)
  }
}

/** Leases of every unit in order, epoch after epoch. */
export function* epochs(units: number, count = Number.POSITIVE_INFINITY): Generator<Lease> {
  for (let epoch = 0; epoch < count; epoch++) for (let unit = 0; unit < units; unit++) yield { epoch, unit }
}

/** Units of so many examples that need no decoding; their ids are "unit-place". */
export function readerOf(sizes: readonly number[]): ExampleReader<ClassLabels> {
  async function* entries(unit: number) {
    for (let i = 0; i < (sizes[unit] as number); i++) {
      yield async (): Promise<Loaded<ClassLabels>> => ({ type: 'example', example: example(`${unit}-${i}`) })
    }
  }
  const take = (loaded: Loaded<ClassLabels>) => (loaded.type === 'example' ? loaded.example : undefined)
  const open = (unit: number) => ({ entries: entries(unit), take, end: () => {}, free: () => {} })
  return { units: sizes.length, decoders: 2, open }
}

export function example(id: string): Decoded<ClassLabels> {
  const side = SQUARE.resizePixels
  const rgb = Uint8Array.from({ length: side ** 2 * 3 }, (_, i) => (i * 37) % 256)
  return { id, picture: { rgb, height: side, width: side }, annotation: { labels: [1, 0] } }
}

/** Every readable example of the unit. */
export function readUnit<A>(reader: ExampleReader<A>, unit = 0): Promise<Decoded<A>[]> {
  return Array.fromAsync(examplesOf(reader.open(unit), reader.decoders))
}
