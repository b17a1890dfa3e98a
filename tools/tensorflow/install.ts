/**
 * Makes TensorFlow's folder in the cache. All work is done in a folder beside it, which gets its place by a rename when it
 * is complete and was seen to compute: a killed set-up leaves nothing that a training process could load.
 */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { sha256Of } from '../../src/support/digest.ts'
import { DownpourError, errorMessage } from '../../src/support/errors.ts'
import { LIBRARIES, TENSORFLOW_PACKAGE, TENSORFLOW_VERSION, tensorflowFolder } from '../../src/tensor/tensorflow.ts'
import { exec } from '../cluster/exec.ts'
import type { Progress } from '../cluster/progress.ts'
import { discard, registryNode } from '../setup.mjs'
import { lockSetUp } from '../setup-lock.mjs'
import { COMPILER_FLAGS, compileAddons, headersOf } from './addon.ts'
import { needMachine, needPrograms, needSpace } from './prerequisites.ts'
import { downloadWheel, unpackWheel } from './wheel.ts'

export interface SetUpContext {
  /** The cache root. */
  cache: string
  progress: Progress
  signal: AbortSignal
}

const CHECK = fileURLToPath(new URL('check.ts', import.meta.url))
const GRAPH_SOURCE = fileURLToPath(new URL('../../src/tensor/graph/graph.cc', import.meta.url))
const STAMP = 'made-from'
const MANIFEST = `${TENSORFLOW_PACKAGE}/package.json`
const require = createRequire(import.meta.url)

export async function setUpTensorFlow(context: SetUpContext): Promise<void> {
  const { cache, progress } = context
  const folder = tensorflowFolder(cache)
  const isMade = await withLock(context, async (parent) => {
    if (isComplete(folder)) return false
    needMachine()
    await needPrograms(context.signal)
    needSpace(parent)
    await make(folder, parent, context)
    return true
  })
  const state = isMade ? 'is set up' : 'is set up already'
  progress.say(`TensorFlow ${TENSORFLOW_VERSION} ${state} in ${folder}: jobs with backend auto take it`)
}

export async function removeTensorFlow(context: SetUpContext): Promise<void> {
  const folder = tensorflowFolder(context.cache)
  const isThere = existsSync(folder)
  await withLock(context, async () => rmSync(folder, { recursive: true, force: true }))
  context.progress.say(isThere ? `removed ${folder}` : `there is no TensorFlow in ${context.cache}`)
}

/** @param work gets a folder for temporary files on the file system of the cache, without those of killed set-ups */
async function withLock<T>(context: SetUpContext, work: (parent: string) => Promise<T>): Promise<T> {
  const { cache, progress, signal } = context
  const parent = join(cache, 'setup-tensorflow')
  try {
    mkdirSync(parent, { recursive: true })
  } catch (error) {
    const advice = 'DOWNPOUR_CACHE=/FOLDER names another cache'
    throw new DownpourError('CACHE_UNUSABLE', `${cache} cannot be written to (${errorMessage(error)}): ${advice}`)
  }
  const sayWait = (holder: string) => progress.say(`waiting for another set-up in ${cache} (process ${holder}) ...`)
  const unlock = await lockSetUp(join(parent, 'lock'), sayWait, signal)
  try {
    for (const name of readdirSync(parent).filter((one) => one.startsWith('work-'))) discard(join(parent, name))
    return await work(parent)
  } finally {
    unlock()
  }
}

async function make(folder: string, parent: string, { progress, signal }: SetUpContext): Promise<void> {
  const work = mkdtempSync(join(parent, 'work-'))
  try {
    const wheel = join(work, 'tensorflow')
    const made = tensorflowFolder(work)
    progress.say(`downloading TensorFlow ${TENSORFLOW_VERSION} (230 MB)`)
    await downloadWheel(work, signal)
    await progress.step('unpacking its library', () => unpackWheel(work, signal))
    mkdirSync(made)
    const nodeHeaders = headersOf(process.execPath) ?? headersOf(await registryNode('for its headers')) ?? ''
    const packageFolder = dirname(require.resolve(MANIFEST))
    const inputs = { wheel, packageFolder, graphSource: GRAPH_SOURCE, nodeHeaders, target: made, signal }
    await progress.step(`compiling the addon of ${TENSORFLOW_PACKAGE} and graph.cc`, () => compileAddons(inputs))
    for (const name of LIBRARIES) renameSync(join(wheel, name), join(made, name))
    await progress.step('computing with it', () => check(work, signal))
    writeFileSync(join(made, STAMP), stampText())
    rmSync(folder, { recursive: true, force: true })
    renameSync(made, folder)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

/** In a process of its own: on a processor that TensorFlow was not compiled for, the process is killed. */
async function check(cache: string, signal: AbortSignal): Promise<void> {
  try {
    await exec(process.execPath, [CHECK, cache], { signal })
  } catch (error) {
    signal.throwIfAborted()
    const message = `TensorFlow ${TENSORFLOW_VERSION} does not run on this machine (${errorMessage(error)})`
    const advice = 'it needs a processor with AVX and glibc 2.17; jobs go on with WASM'
    throw new DownpourError('TENSORFLOW_UNUSABLE', `${message}: ${advice}`, {}, { cause: error })
  }
}

function isComplete(folder: string): boolean {
  const stamp = join(folder, STAMP)
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === stampText()
}

/** What the folder was made from: another addon, another graph.cc or other flags make a new one. */
function stampText(): string {
  const { version } = require(MANIFEST) as { version: string }
  const graph = sha256Of(readFileSync(GRAPH_SOURCE, 'utf8'))
  const inputs = [TENSORFLOW_VERSION, version, graph, ...COMPILER_FLAGS]
  return `${sha256Of(inputs.join('\n'))}\n`
}
