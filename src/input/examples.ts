/** Reads and decodes the examples of a unit, for training and evaluation. */
import { availableParallelism } from 'node:os'
import { DECODERS_PER_CPU } from '../contract/runtime.ts'
import type { Dataset, Encoded, Item } from '../data/dataset.ts'
import { interpretAt } from '../data/interpret.ts'
import { DownpourError, errorMessage } from '../support/errors.ts'
import { printable } from '../support/printable.ts'
import type { CorruptionCount } from './corruption-count.ts'
import { DecodedCache, type Loaded } from './decoded-cache.ts'
import { inOrder } from './in-order.ts'
import type { Decoded, InputPipeline, Picture } from './pipeline.ts'

/** Decodes one picture. @throws DownpourError LABEL_UNKNOWN */
export type Entry<A> = () => Promise<Loaded<A>>

/** A unit that is being read. */
export interface Reading<A> {
  /**
   * In the order of the file.
   * @throws DownpourError DATA_UNREADABLE, DATA_DIFFERS
   */
  readonly entries: AsyncGenerator<Entry<A>>
  /**
   * Call it in the order of the entries: damage is counted when its turn comes.
   * @returns nothing for damage
   * @throws DownpourError BAD_DATA
   */
  take(loaded: Loaded<A>): Decoded<A> | undefined
  /** Call it after the last entry was taken. */
  end(): void
  /** Call it when the samples of an example are drawn: frees its picture, unless that is kept for the next epoch. */
  free(example: Decoded<A>): void
}

export interface ExampleReader<A> {
  readonly units: number
  /** How many entries may be decoded at the same time. */
  readonly decoders: number
  open(unit: number): Reading<A>
}

type Decode = InputPipeline<never, unknown>['decode']

export interface ReaderOptions {
  /** Pictures that are decoded at the same time; two for each CPU of the pod when absent. */
  readonly decoders?: number | undefined
  /** Decoded pictures are kept up to this sum; none when absent. */
  readonly cacheBytes?: number
}

export function createExampleReader<A>(
  dataset: Dataset<A>,
  decode: Decode,
  corruption: CorruptionCount,
  { decoders = DECODERS_PER_CPU * availableParallelism(), cacheBytes = 0 }: ReaderOptions = {},
): ExampleReader<A> {
  const cache = new DecodedCache<A>(cacheBytes)
  const counted = (loaded: Loaded<A>) => {
    if (loaded.type === 'example') return loaded.example
    corruption.add(loaded.where, loaded.reason)
    return undefined
  }
  return {
    units: dataset.units.length,
    decoders,
    open(unit) {
      const known = cache.get(unit)
      if (known) return { entries: entriesOf(known), take: counted, end: () => {}, free: () => {} }
      const collected = cache.collect(unit)
      const take = (loaded: Loaded<A>) => {
        collected.add(loaded)
        return counted(loaded)
      }
      const free = ({ picture }: Decoded<A>) => collected.isKept() || freePicture(picture)
      return { entries: readEntries(dataset, unit, decode), take, end: collected.end, free }
    },
  }
}

/**
 * Every readable example of the unit, in the order of the file.
 * @throws DownpourError BAD_DATA, LABEL_UNKNOWN, DATA_UNREADABLE, DATA_DIFFERS
 */
export async function* examplesOf<A>({ entries, take, end }: Reading<A>, decoders: number): AsyncGenerator<Decoded<A>> {
  for await (const loaded of inOrder(entries, decoders, (entry) => entry())) {
    const example = take(loaded)
    if (example) yield example
  }
  end()
}

/**
 * Pictures are outside of V8's heap, and V8 collects garbage each time that 20 MB of them were made. A collection takes as
 * long as decoding several pictures.
 */
function freePicture({ rgb }: Picture): void {
  const isWhole = rgb.byteLength === rgb.buffer.byteLength
  if (isWhole && rgb.buffer instanceof ArrayBuffer) rgb.buffer.transfer(0)
}

async function* entriesOf<A>(known: readonly Loaded<A>[]): AsyncGenerator<Entry<A>> {
  for (const loaded of known) yield async () => loaded
}

async function* readEntries<A>(dataset: Dataset<A>, unit: number, decode: Decode): AsyncGenerator<Entry<A>> {
  mustBeThere(dataset, unit)
  for await (const item of dataset.read(unit)) yield () => load(dataset, item, decode)
}

/** Leases name units by index, so a worker that sees other files than its peers must not guess which unit is meant. */
function mustBeThere({ units }: Dataset<unknown>, unit: number): void {
  if (unit < units.length) return
  const message = `unit ${unit} of the data was leased, but this worker sees only ${units.length}: every worker must see the same files`
  throw new DownpourError('DATA_DIFFERS', message, { unit, units: units.length })
}

async function load<A>(dataset: Dataset<A>, item: Item<A>, decode: Decode): Promise<Loaded<A>> {
  if (item.type === 'corrupt') return { type: 'damage', where: item.where, reason: item.reason }
  const annotation = interpretAt(dataset, item)
  const picture = await decodeOrReason(item, decode)
  if ('reason' in picture) return { type: 'damage', ...picture }
  return { type: 'example', example: { id: item.id, picture, annotation } }
}

async function decodeOrReason({ id, bytes, where }: Encoded<unknown>, decode: Decode) {
  try {
    return await decode(bytes)
  } catch (error) {
    return { where: `${where}, image ${printable(id)}`, reason: errorMessage(error) }
  }
}
