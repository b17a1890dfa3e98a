/**
 * A marker on the volume that fences parameter servers of an old generation: a node that was considered lost may come
 * back, and its coordinator would save and purge checkpoints at the same time as the new one.
 */
import { join } from 'node:path'
import { DownpourError, errorCode, errorMessage } from '../support/errors.ts'
import { commitFile, makeFolder } from './commit.ts'
import { unreadable } from './damage.ts'
import { type FileSystem, realFileSystem } from './file-system.ts'
import { readSmallFile } from './small-file.ts'

/** One file that is opened each time: network file systems may cache the listing of a folder, but not this. */
export const GENERATION_FILE = 'generation.json'
const MAX_BYTES = 4096

/**
 * Call before writing or removing anything in the job's folder.
 * @throws DownpourError OUTDATED_GENERATION, CHECKPOINT_BAD_GENERATION, CHECKPOINT_UNREADABLE
 */
export async function assertNewestGeneration(
  jobFolder: string,
  generation: number,
  fs: FileSystem = realFileSystem,
): Promise<void> {
  const newest = await readGeneration(jobFolder, fs)
  if (newest <= generation) return
  const message = `generation ${newest} of the parameter servers has taken over ${jobFolder}; this one is generation ${generation}`
  throw new DownpourError('OUTDATED_GENERATION', message, { jobFolder, newest, generation })
}

/**
 * The same for the coordinator, which also writes its marker. It does so before each commit, because a former coordinator
 * that started at the same moment may have overwritten it. The first generation writes none.
 */
export async function holdGeneration(
  jobFolder: string,
  generation: number,
  fs: FileSystem = realFileSystem,
): Promise<void> {
  await assertNewestGeneration(jobFolder, generation, fs)
  if ((await readGeneration(jobFolder, fs)) === generation) return
  await makeFolder(jobFolder, fs)
  await commitFile(join(jobFolder, GENERATION_FILE), [Buffer.from(`${JSON.stringify({ generation })}\n`)], fs)
}

async function readGeneration(jobFolder: string, fs: FileSystem): Promise<number> {
  const path = join(jobFolder, GENERATION_FILE)
  const read = await readSmallFile(path, MAX_BYTES, fs).catch((error) => {
    if (errorCode(error) === 'NOT_A_FILE') throw badGeneration(errorMessage(error), path)
    if (errorCode(error) !== 'ENOENT') throw unreadable(path, error)
  })
  if (read === undefined) return 0
  const text = read.toString('utf8')
  const generation = parsed(text)
  if (Number.isSafeInteger(generation) && Number(generation) >= 0) return Number(generation)
  throw badGeneration(`${path} contains ${JSON.stringify(text.slice(0, 80))}, expected {"generation": NUMBER}`, path)
}

function badGeneration(what: string, path: string): DownpourError {
  return new DownpourError(
    'CHECKPOINT_BAD_GENERATION',
    `${what}: remove it when no other parameter server of the job is running`,
    { path },
  )
}

function parsed(text: string): unknown {
  try {
    return (JSON.parse(text) as { generation?: unknown } | null)?.generation
  } catch {
    return undefined
  }
}
