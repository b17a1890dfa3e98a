/**
 * The file in the job's folder that names the checkpoint on a volume from which the job started. It is written before the
 * first step, so that every parameter server and every later generation uses the same weights.
 */
import { join } from 'node:path'
import { commitFile } from '../checkpoint/commit.ts'
import { unreadable } from '../checkpoint/damage.ts'
import type { FileSystem } from '../checkpoint/file-system.ts'
import { readSmallFile } from '../checkpoint/small-file.ts'
import { FILES } from '../contract/files.ts'
import { ChosenSource } from '../contract/status.ts'
import { DownpourError, errorCode } from '../support/errors.ts'

const MAX_BYTES = 16_384

/** Undefined: the job has not chosen yet. @throws DownpourError CHECKPOINT_BAD_CHOICE, CHECKPOINT_UNREADABLE */
export async function readChoice(jobFolder: string, fs: FileSystem): Promise<ChosenSource | undefined> {
  const path = join(jobFolder, FILES.source)
  const bytes = await readSmallFile(path, MAX_BYTES, fs).catch((error) => {
    if (errorCode(error) === 'NOT_A_FILE') throw badChoice(path, error)
    if (errorCode(error) !== 'ENOENT') throw unreadable(path, error)
  })
  if (bytes === undefined) return undefined
  const choice = parsed(bytes.toString('utf8'))
  if (!choice) throw badChoice(path)
  return choice
}

function parsed(text: string): ChosenSource | undefined {
  try {
    return ChosenSource.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}

/** @param fence called before the file appears */
export async function writeChoice(
  jobFolder: string,
  choice: ChosenSource,
  fs: FileSystem,
  fence: () => Promise<void>,
): Promise<void> {
  await commitFile(join(jobFolder, FILES.source), [Buffer.from(`${JSON.stringify(choice)}\n`)], fs, fence)
}

function badChoice(path: string, cause?: unknown): DownpourError {
  const message = `${path} does not name a checkpoint: remove it, and the job chooses again`
  return new DownpourError('CHECKPOINT_BAD_CHOICE', message, { path }, { cause })
}
