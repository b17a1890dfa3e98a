/** `downpour checkpoint list|verify|export|import`: reads the checkpoints on a volume in the same way as the runtime. */
import { readdir, stat } from 'node:fs/promises'
import { basename, join, relative, resolve } from 'node:path'
import { type Command, Option } from 'commander'
import { checkpointNames, type ListedCheckpoint, type RefusedCheckpoint } from '../../checkpoint/list.ts'
import { verifyCheckpoint } from '../../checkpoint/load.ts'
import type { Manifest } from '../../checkpoint/manifest.ts'
import { readManifest } from '../../checkpoint/read-manifest.ts'
import { VARIANTS } from '../../models/variants.ts'
import { counted } from '../../support/counted.ts'
import { DownpourError, errorCode, errorMessage } from '../../support/errors.ts'
import type { ExportFlags } from '../interchange/export.ts'
import type { ImportFlags } from '../interchange/import.ts'
import { type CliIo, exitWith, processIo } from '../io.ts'
import { readScore } from '../scores.ts'
import { sizeText } from '../size-text.ts'

type CheckpointIo = Pick<CliIo, 'out' | 'err'>

const CHECKPOINT_FOLDER = /^step-\d{9,}$/
/** Folders between a state folder and a job's folder: volumes/NAMESPACE/CLAIM/NAMESPACE/JOB. */
const MAX_DEPTH = 5
const DIGEST_CHARACTERS = 12

export function register(command: Command): void {
  command
    .command('list')
    .description('print a line for each checkpoint, newest last')
    .argument('<dir>', 'the folder of a job or of a claim, or a folder above them')
    .action((dir: string) => exitWith(listFolder(dir, processIo())))
  command
    .command('verify')
    .description('read every byte and compare sizes and hashes with the manifest')
    .argument('<dir>', 'a checkpoint (step-...), the folder of a job or of a claim, or a folder above them')
    .action((dir: string) => exitWith(verifyFolder(dir, processIo())))
  registerExport(command)
  registerImport(command)
}

function registerExport(command: Command): void {
  command
    .command('export')
    .description("write the weights of a ResNet-50, 101 or 152 as safetensors, with torchvision's names and layouts")
    .argument('<checkpoint>', 'a checkpoint (step-...), or a folder of checkpoints: then its newest')
    .requiredOption('--out <file>', 'a new file')
    .option('--backbone-only', 'leave out the last layer and whatever else is not in the backbone')
    .option('--allow-slim', 'also write a model of the variant slim, which torchvision would compute wrongly')
    .action(async (checkpoint: string, flags: ExportFlags) => {
      const { exportFile } = await import('../interchange/export.ts')
      await exitWith(exportFile(checkpoint, flags, processIo()))
    })
}

function registerImport(command: Command): void {
  command
    .command('import')
    .description("make a checkpoint of a safetensors file with torchvision's names, to start a job from")
    .argument('<file>', 'weights of a ResNet-50, 101 or 152')
    .requiredOption('--out <dir>', 'folder that gets the checkpoint, step-000000000')
    .addOption(
      new Option(
        '--variant <variant>',
        'the network that the weights were trained in (default: what the file declares, else torchvision)',
      ).choices(Object.keys(VARIANTS)),
    )
    .option('--classes-file <file>', "names of the last layer's outputs, as a labels.json")
    .action(async (file: string, flags: ImportFlags) => {
      const { importFile } = await import('../interchange/import.ts')
      await exitWith(importFile(file, flags, processIo()))
    })
}

/**
 * Prints a line for each checkpoint, newest last, of a job's folder or of all such folders below `dir`.
 * @returns the exit code: 1 if a checkpoint is refused or there is none
 */
export async function listFolder(dir: string, io: CheckpointIo): Promise<number> {
  return forEachJobFolder(dir, io, async (folder) => {
    let isRead = true
    for (const name of await checkpointNames(folder)) if (!(await listOne(folder, name, io))) isRead = false
    return isRead
  })
}

async function listOne(jobFolder: string, name: string, { out, err }: CheckpointIo): Promise<boolean> {
  const folder = join(jobFolder, name)
  try {
    out.write(`${await lineOf({ name, folder, ...(await readManifest(folder)) })}\n`)
    return true
  } catch (error) {
    err.write(`${refusal({ name, code: errorCode(error), reason: errorMessage(error) })}\n`)
    return false
  }
}

/** Checks every byte of one checkpoint, or of all checkpoints below `dir`. @returns the exit code: 1 if anything is wrong */
export async function verifyFolder(dir: string, io: CheckpointIo): Promise<number> {
  if (isCheckpoint(dir) && (await folderProblem(dir)) === undefined) return (await verifyOne(resolve(dir), io)) ? 0 : 1
  return forEachJobFolder(dir, io, async (folder) => {
    let isIntact = true
    for (const name of await checkpointNames(folder)) if (!(await verifyOne(join(folder, name), io))) isIntact = false
    return isIntact
  })
}

async function verifyOne(folder: string, { out, err }: CheckpointIo): Promise<boolean> {
  try {
    const { manifest, digest } = await verifyCheckpoint(folder)
    out.write(`${basename(folder)}  intact  ${factsOf(manifest, digest)}\n`)
    return true
  } catch (error) {
    err.write(`${refusal({ name: basename(folder), code: errorCode(error), reason: errorMessage(error) })}\n`)
    return false
  }
}

/**
 * Calls `check` for each job's folder below `dir`; prints the folder's name first unless it is `dir`.
 * @returns the exit code: 0 if `check` returned true for every folder
 */
async function forEachJobFolder(
  dir: string,
  { out, err }: CheckpointIo,
  check: (folder: string) => Promise<boolean>,
): Promise<number> {
  const problem = await folderProblem(dir)
  if (problem) return printError(err, problem)
  const folders = await findJobFolders(resolve(dir))
  if (folders.length === 0) return printError(err, noCheckpointIn(dir))
  let exitCode = 0
  for (const folder of folders) {
    if (folder !== resolve(dir)) out.write(`${join(dir, relative(resolve(dir), folder))}:\n`)
    if (!(await check(folder))) exitCode = 1
  }
  return exitCode
}

/** Finds folders that contain step-… folders. A claim contains NAMESPACE/JOB-uid8/step-…. Links are not followed. */
async function findJobFolders(dir: string, depth = MAX_DEPTH): Promise<string[]> {
  const entries = await readdir(dir, { withFileTypes: true }).catch((error) => {
    if (depth < MAX_DEPTH && errorCode(error) === 'EACCES') return []
    throw new DownpourError('CHECKPOINT_UNREADABLE', `${dir} cannot be read: ${errorMessage(error)}`, { dir })
  })
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name)
  if (folders.some(isCheckpoint)) return [dir]
  if (depth === 0) return []
  const found: string[] = []
  for (const name of folders.sort()) found.push(...(await findJobFolders(join(dir, name), depth - 1)))
  return found
}

function isCheckpoint(path: string): boolean {
  return CHECKPOINT_FOLDER.test(basename(resolve(path)))
}

async function lineOf({ name, folder, manifest, digest }: ListedCheckpoint): Promise<string> {
  const scores = await scoresOf(folder, digest)
  return [name, factsOf(manifest, digest), ...(scores ? [scores] : [])].join('  ')
}

/** @example 'step 1500 (final)  saved 2026-01-01T00:00:00.000Z  2 shards  3 classes  1.2 MiB  sha256:0a1b2c3d4e5f' */
function factsOf({ step, final, savedAt, shards, classes }: Manifest, digest: string): string {
  const bytes = shards.reduce((sum, shard) => sum + shard.bytes, 0)
  return [
    `step ${step}${final ? ' (final)' : ''}`,
    `saved ${savedAt}`,
    counted(shards.length, 'shard'),
    ...(classes ? [counted(classes.count, 'class', 'classes')] : []),
    sizeText(bytes),
    `sha256:${digest.slice(0, DIGEST_CHARACTERS)}`,
  ].join('  ')
}

async function scoresOf(folder: string, digest: string): Promise<string | undefined> {
  const score = await readScore(folder, digest)
  if (!score) return undefined
  return Object.entries(score.metrics)
    .map(([metric, value]) => `${metric} ${value.toFixed(4)}`)
    .join(', ')
}

async function folderProblem(dir: string): Promise<string | undefined> {
  try {
    return (await stat(dir)).isDirectory() ? undefined : `CHECKPOINT_UNREADABLE: ${dir} is not a folder`
  } catch (error) {
    return `CHECKPOINT_UNREADABLE: ${dir} cannot be opened: ${errorMessage(error)}`
  }
}

function noCheckpointIn(dir: string): string {
  return `CHECKPOINT_NOT_FOUND: no checkpoint in ${dir}: expected folders named step-000000000 in it or in its subfolders NAMESPACE/JOB`
}

function refusal({ name, code, reason }: RefusedCheckpoint): string {
  return `${name}  refused  ${code}: ${reason}`
}

function printError(err: CheckpointIo['err'], sentence: string): number {
  err.write(`downpour: ${sentence}\n`)
  return 1
}
