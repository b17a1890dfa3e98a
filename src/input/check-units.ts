/** Opens what is needed later: a shard that cannot be read must not be found after hours of training. */

import type { DataSource } from '../data/formats.ts'
import { inParallel } from '../data/scan/in-parallel.ts'
import { DownpourError } from '../support/errors.ts'
import { type CorruptionCount, closeLabels } from './examples.ts'

/**
 * Reads each unit up to its first example, and looks up the labels of that one.
 * @param most units to look into
 * @param where the folder, for messages
 * @param corruption counts the damage before those examples
 * @throws DownpourError DATA_UNREADABLE, LABEL_UNKNOWN, BAD_DATA; DATA_EMPTY: no unit holds an example
 */
export async function lookInside(
  source: DataSource,
  most: number,
  where: string,
  corruption: CorruptionCount,
): Promise<void> {
  const units = source.units.slice(0, most)
  const found = await inParallel([...units.keys()], (unit) => hasExample(source, unit, corruption))
  if (units.length < source.units.length || found.includes(true)) return
  throw new DownpourError('DATA_EMPTY', `${where}: none of its ${units.length} parts holds an example that can be used`)
}

async function hasExample(source: DataSource, unit: number, corruption: CorruptionCount): Promise<boolean> {
  for await (const item of source.read(unit)) {
    if (item.type === 'example') {
      closeLabels(source, item.example.labels, item.example.where)
      return true
    }
    corruption.add(item.where, item.reason)
  }
  return false
}
