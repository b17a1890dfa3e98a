/** Reads and decodes the examples of a unit, for training and evaluation. */
import type { Dataset, Encoded } from '../data/dataset.ts'
import { interpretAt } from '../data/interpret.ts'
import { DownpourError, errorMessage } from '../support/errors.ts'
import { printable } from '../support/printable.ts'
import type { CorruptionCount } from './corruption-count.ts'
import type { Decoded, InputPipeline } from './pipeline.ts'

export interface ExampleReader<A> {
  readonly units: number
  /**
   * Every readable example of the unit, in the order of the file.
   * @throws DownpourError BAD_DATA, LABEL_UNKNOWN, DATA_UNREADABLE, DATA_DIFFERS
   */
  read(unit: number): AsyncGenerator<Decoded<A>>
}

type Decode = InputPipeline<never, unknown>['decode']

/** @param cacheBytes decoded pictures are kept up to this sum, so that a small set is decoded once */
export function createExampleReader<A>(
  dataset: Dataset<A>,
  decode: Decode,
  corruption: CorruptionCount,
  cacheBytes = 0,
): ExampleReader<A> {
  const cache = new Map<number, Decoded<A>[]>()
  let bytesLeft = cacheBytes
  return {
    units: dataset.units.length,
    async *read(unit) {
      mustBeThere(dataset, unit)
      const cached = cache.get(unit)
      if (cached) return yield* cached
      const examples: Decoded<A>[] = []
      let bytes = 0
      for await (const example of decodeUnit(dataset, unit, decode, corruption)) {
        bytes += example.picture.rgb.length
        if (bytes <= bytesLeft) examples.push(example)
        yield example
      }
      if (bytes > bytesLeft) return
      bytesLeft -= bytes
      cache.set(unit, examples)
    },
  }
}

/** Leases name units by index, so a worker that sees other files than its peers must not guess which unit is meant. */
function mustBeThere({ units }: Dataset<unknown>, unit: number): void {
  if (unit < units.length) return
  const message = `unit ${unit} of the data was leased, but this worker sees only ${units.length}: every worker must see the same files`
  throw new DownpourError('DATA_DIFFERS', message, { unit, units: units.length })
}

async function* decodeUnit<A>(
  dataset: Dataset<A>,
  unit: number,
  decode: Decode,
  corruption: CorruptionCount,
): AsyncGenerator<Decoded<A>> {
  for await (const item of dataset.read(unit)) {
    if (item.type === 'corrupt') {
      corruption.add(item.where, item.reason)
      continue
    }
    const annotation = interpretAt(dataset, item)
    const picture = await decodeOrCount(item, decode, corruption)
    if (picture) yield { id: item.id, picture, annotation }
  }
}

async function decodeOrCount({ id, bytes, where }: Encoded<unknown>, decode: Decode, corruption: CorruptionCount) {
  try {
    return await decode(bytes)
  } catch (error) {
    corruption.add(`${where}, image ${printable(id)}`, errorMessage(error))
    return undefined
  }
}
