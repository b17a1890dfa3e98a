/** Opens units before training starts, so that an unreadable shard is found at once and not after hours. */
import type { Dataset } from '../data/dataset.ts'
import { interpretAt } from '../data/interpret.ts'
import { inParallel } from '../data/scan/in-parallel.ts'
import { DownpourError } from '../support/errors.ts'
import type { CorruptionCount } from './corruption-count.ts'

/**
 * Reads each unit up to its first example and checks the labels of that example.
 * @param most units to read
 * @param where the folder, for messages
 * @param corruption counts damage before those examples
 * @throws DownpourError DATA_UNREADABLE, LABEL_UNKNOWN, BAD_DATA; DATA_EMPTY: no unit holds an example
 */
export async function checkUnits(
  dataset: Dataset<unknown>,
  most: number,
  where: string,
  corruption: CorruptionCount,
): Promise<void> {
  const units = dataset.units.slice(0, most)
  const found = await inParallel([...units.keys()], (unit) => hasExample(dataset, unit, corruption))
  if (units.length < dataset.units.length || found.includes(true)) return
  throw new DownpourError('DATA_EMPTY', `${where}: none of its ${units.length} parts has a usable example`)
}

async function hasExample(dataset: Dataset<unknown>, unit: number, corruption: CorruptionCount): Promise<boolean> {
  for await (const item of dataset.read(unit)) {
    if (item.type === 'example') {
      interpretAt(dataset, item)
      return true
    }
    corruption.add(item.where, item.reason)
  }
  return false
}
