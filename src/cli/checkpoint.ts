/** `downpour checkpoint list|verify`: what lies on a volume, read as the runtime reads it. */
import { readFile, stat } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { type ListedCheckpoint, listCheckpoints, type RefusedCheckpoint } from '../checkpoint/list.ts'
import { verifyCheckpoint } from '../checkpoint/load.ts'
import type { Manifest } from '../checkpoint/manifest.ts'
import { type EvaluationRecord, FILES } from '../contract/files.ts'
import { errorCode, errorMessage } from '../support/errors.ts'
import type { CliIo } from './validate.ts'

type CheckpointIo = Pick<CliIo, 'out' | 'err'>

const CHECKPOINT_FOLDER = /^step-\d{9,}$/
const DIGEST_CHARACTERS = 12

/** A line for each checkpoint, newest last. @returns the exit code: 1 when one is refused or there is none */
export async function listFolder(dir: string, { out, err }: CheckpointIo): Promise<number> {
  const problem = await folderProblem(dir)
  if (problem) return complain(err, problem)
  const { checkpoints, refused } = await listCheckpoints(dir)
  for (const checkpoint of checkpoints) out.write(`${await lineOf(checkpoint)}\n`)
  for (const one of refused) err.write(`${refusal(one)}\n`)
  if (checkpoints.length + refused.length === 0) return complain(err, nothingIn(dir))
  return refused.length === 0 ? 0 : 1
}

/** Every byte of one checkpoint, or of all in a job's folder. @returns the exit code: 1 when anything is wrong */
export async function verifyFolder(dir: string, { out, err }: CheckpointIo): Promise<number> {
  const problem = await folderProblem(dir)
  if (problem) return complain(err, problem)
  const folders = await checkpointsIn(dir)
  if (folders.length === 0) return complain(err, nothingIn(dir))
  let exitCode = 0
  for (const folder of folders)
    try {
      const { manifest, digest } = await verifyCheckpoint(folder)
      out.write(`${basename(folder)}  whole  ${factsOf(manifest, digest)}\n`)
    } catch (error) {
      exitCode = 1
      err.write(`${refusal({ name: basename(folder), code: errorCode(error), reason: errorMessage(error) })}\n`)
    }
  return exitCode
}

/** The folder itself when it is a checkpoint, else those inside, whatever state they are in. */
async function checkpointsIn(dir: string): Promise<string[]> {
  if (CHECKPOINT_FOLDER.test(basename(resolve(dir)))) return [resolve(dir)]
  const { checkpoints, refused } = await listCheckpoints(dir)
  return [...checkpoints, ...refused]
    .map(({ name }) => name)
    .sort()
    .map((name) => join(dir, name))
}

async function lineOf({ name, folder, manifest, digest }: ListedCheckpoint): Promise<string> {
  const scores = await scoresOf(folder, digest)
  return [name, factsOf(manifest, digest), ...(scores ? [scores] : [])].join('  ')
}

/** @example 'step 1500 (final)  saved 2026-01-01T00:00:00.000Z  2 shards  1.2 MiB  sha256:0a1b2c3d4e5f' */
function factsOf({ step, final, savedAt, shards }: Manifest, digest: string): string {
  const bytes = shards.reduce((sum, shard) => sum + shard.bytes, 0)
  return [
    `step ${step}${final ? ' (final)' : ''}`,
    `saved ${savedAt}`,
    `${shards.length} ${shards.length === 1 ? 'shard' : 'shards'}`,
    sizeText(bytes),
    `sha256:${digest.slice(0, DIGEST_CHARACTERS)}`,
  ].join('  ')
}

/** Scores of other bytes than these do not count. */
async function scoresOf(folder: string, digest: string): Promise<string | undefined> {
  try {
    const record = JSON.parse(await readFile(join(folder, FILES.evaluation), 'utf8')) as EvaluationRecord
    if (record.digest !== digest) return undefined
    return Object.entries(record.metrics)
      .map(([metric, value]) => `${metric} ${value.toFixed(4)}`)
      .join(', ')
  } catch {
    return undefined
  }
}

function sizeText(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10))
  return power === 0 ? `${bytes} B` : `${(bytes / 1024 ** power).toFixed(1)} ${units[power]}`
}

async function folderProblem(dir: string): Promise<string | undefined> {
  try {
    return (await stat(dir)).isDirectory() ? undefined : `${dir} is not a folder`
  } catch (error) {
    return `${dir} cannot be opened: ${errorMessage(error)}`
  }
}

function nothingIn(dir: string): string {
  return `no checkpoint in ${dir}: expected folders named step-000000000 to be in it`
}

function refusal({ name, code, reason }: RefusedCheckpoint): string {
  return `${name}  refused  ${code}: ${reason}`
}

function complain(err: CheckpointIo['err'], sentence: string): number {
  err.write(`downpour: ${sentence}\n`)
  return 1
}
