/** Paths of options are relative to the working folder, those of a configuration to the data. */
import { join, relative, resolve } from 'node:path'
import { statIfThere } from '../../data/unreadable.ts'
import { DownpourError } from '../../support/errors.ts'
import type { CheckpointFlags } from './checkpoint-flags.ts'

const PATHS = ['labels', 'annotations', 'images', 'exclude', 'personBoxes'] as const

/**
 * The options with paths relative to the data. A path that exists only inside of the data is one of there: messages about
 * the data name its files so.
 * @throws DownpourError OPTION_OUTSIDE
 */
export async function withPathsInData(flags: CheckpointFlags): Promise<CheckpointFlags> {
  const { data } = flags
  const given = PATHS.flatMap((name) => (flags[name] === undefined ? [] : [[name, flags[name]] as const]))
  const inData = await Promise.all(given.map(async ([name, path]) => [name, await pathInData(data, path)] as const))
  const changed: Partial<Record<(typeof PATHS)[number], string>> = Object.fromEntries(inData)
  if (changed.personBoxes?.startsWith('..')) {
    const message = `--person-boxes: ${flags.personBoxes}: expected a file inside of --data ${data}, where a job would read it`
    throw new DownpourError('OPTION_OUTSIDE', message)
  }
  return { ...flags, ...changed }
}

async function pathInData(data: string, path: string): Promise<string> {
  const isOfData = !(await statIfThere(path)) && (await statIfThere(join(data, path))) !== undefined
  return relative(resolve(data), isOfData ? resolve(data, path) : resolve(path))
}
