/** Decoded examples of a unit, with labels closed and damage counted: what both loader and evaluation read. */

import { decodeSquare } from '../data/codecs/image.ts'
import type { DataSource, EncodedExample } from '../data/formats.ts'
import { DownpourError, errorMessage } from '../support/errors.ts'
import { printable } from '../support/printable.ts'

export interface DecodedExample {
  id: string
  /** RGB bytes, resizePixels² · 3. */
  pixels: Uint8Array
  labels: number[]
}

/** Damage met by one process; past the limit the job's data is to blame and the process ends. */
export class CorruptionCount {
  /** Places, not meetings: a record read again in the next epoch is the same damage. At most limit + 1. */
  readonly #places = new Set<string>()
  readonly #limit: number

  constructor(limit: number) {
    this.#limit = limit
  }

  get count(): number {
    return this.#places.size
  }

  /** @throws DownpourError BAD_DATA */
  add(where: string, reason: string): void {
    this.#places.add(where)
    if (this.count <= this.#limit) return
    throw new DownpourError(
      'BAD_DATA',
      `${where}: ${reason}; that is damaged record ${this.count}, and spec.data.maxCorruptRecords is ${this.#limit}`,
      { where, reason, count: this.count },
    )
  }
}

export interface ExampleReader {
  readonly units: number
  /** Every readable example of the unit, in the file's order. @throws DownpourError BAD_DATA, LABEL_UNKNOWN, DATA_UNREADABLE, DATA_DIFFERS */
  read(unit: number): AsyncGenerator<DecodedExample>
}

/**
 * @param cacheBytes decoded images are kept up to this sum, so that a small set is decoded once
 */
export function createExampleReader(
  source: DataSource,
  resizePixels: number,
  corruption: CorruptionCount,
  cacheBytes = 0,
): ExampleReader {
  const cache = new Map<number, DecodedExample[]>()
  let room = cacheBytes
  return {
    units: source.units.length,
    async *read(unit) {
      mustBeThere(source, unit)
      const cached = cache.get(unit)
      if (cached) return yield* cached
      const examples: DecodedExample[] = []
      let bytes = 0
      for await (const example of decodeUnit(source, unit, resizePixels, corruption)) {
        bytes += example.pixels.length
        if (bytes <= room) examples.push(example)
        yield example
      }
      if (bytes > room) return
      room -= bytes
      cache.set(unit, examples)
    },
  }
}

/** Units are leased by number: a worker that sees other files than the first one did must not guess. */
function mustBeThere({ units }: DataSource, unit: number): void {
  if (unit < units.length) return
  const message = `unit ${unit} of the data was leased, but only ${units.length} are here: every worker must see the same files`
  throw new DownpourError('DATA_DIFFERS', message, { unit, units: units.length })
}

async function* decodeUnit(
  source: DataSource,
  unit: number,
  resizePixels: number,
  corruption: CorruptionCount,
): AsyncGenerator<DecodedExample> {
  for await (const item of source.read(unit)) {
    if (item.type === 'corrupt') {
      corruption.add(item.where, item.reason)
      continue
    }
    const decoded = await decode(source, item.example, resizePixels, corruption)
    if (decoded) yield decoded
  }
}

async function decode(
  source: DataSource,
  { id, encoded, labels, where }: EncodedExample,
  resizePixels: number,
  corruption: CorruptionCount,
): Promise<DecodedExample | undefined> {
  const closed = closeLabels(source, labels, where)
  try {
    return { id, pixels: await decodeSquare(encoded, resizePixels), labels: closed }
  } catch (error) {
    corruption.add(`${where}, image ${printable(id)}`, errorMessage(error))
    return undefined
  }
}

/** A label outside the map is no damage to pass over: data and labels file do not belong together. */
export function closeLabels(source: DataSource, labels: readonly number[], where: string): number[] {
  try {
    return source.labels.close(labels)
  } catch (error) {
    if (!(error instanceof DownpourError)) throw error
    throw new DownpourError(error.code, `${where}: ${error.message}`, { ...error.details, where })
  }
}
