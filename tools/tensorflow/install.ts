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
import {
  LIBRARIES,
  setUpFolder,
  TENSORFLOW_PACKAGE,
  TENSORFLOW_VERSION,
  tensorflowFolder,
  type Variant,
} from '../../src/tensor/tensorflow.ts'
import { exec } from '../cluster/exec.ts'
import type { Progress } from '../cluster/progress.ts'
import { discard, registryNode } from '../setup.mjs'
import { lockSetUp } from '../setup-lock.mjs'
import { COMPILER_FLAGS, compileAddons, headersOf } from './addon.ts'
import { checkCuda, gpuText, linkNvrtc, visibleGpus } from './gpu.ts'
import { needMachine, needPrograms, needSpace } from './prerequisites.ts'
import { downloadWheels, GPU_REQUIREMENTS, unpackWheels } from './wheel.ts'

export interface SetUpContext {
  /** The cache root. */
  cache: string
  variant: Variant
  progress: Progress
  signal: AbortSignal
}

const CHECK = fileURLToPath(new URL('check.ts', import.meta.url))
const GRAPH_SOURCE = fileURLToPath(new URL('../../src/tensor/graph/graph.cc', import.meta.url))
const STAMP = 'made-from'
const MANIFEST = `${TENSORFLOW_PACKAGE}/package.json`
const require = createRequire(import.meta.url)

export async function setUpTensorFlow(context: SetUpContext): Promise<void> {
  const { cache, variant, progress, signal } = context
  const folder = setUpFolder(cache, variant)
  const isMade = await withLock(context, async (parent) => {
    if (isComplete(cache, variant)) return false
    needMachine()
    await needPrograms(signal)
    needSpace(parent, variant)
    await make(folder, parent, context)
    return true
  })
  const state = isMade ? 'is set up' : 'is set up already'
  progress.say(`TensorFlow ${TENSORFLOW_VERSION} ${state} in ${folder}: jobs with backend auto take it`)
  if (variant === 'gpu') progress.say(gpuText(visibleGpus(), (await check(cache, signal)) === 'gpu'))
}

export async function removeTensorFlow(context: SetUpContext): Promise<void> {
  const folders = (['cpu', 'gpu'] as const).map((variant) => setUpFolder(context.cache, variant)).filter(existsSync)
  await withLock(context, async () => {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true })
  })
  const state = folders.length > 0 ? `removed ${folders.join(' and ')}` : `there is no TensorFlow in ${context.cache}`
  context.progress.say(state)
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

const DOWNLOADS: Readonly<Record<Variant, string>> = { cpu: '230 MB', gpu: "and CUDA's libraries, 2.2 GB" }

async function make(folder: string, parent: string, { variant, progress, signal }: SetUpContext): Promise<void> {
  const work = mkdtempSync(join(parent, 'work-'))
  try {
    const wheel = join(work, 'tensorflow')
    const made = tensorflowFolder(work, variant)
    progress.say(`downloading TensorFlow ${TENSORFLOW_VERSION} (${DOWNLOADS[variant]})`)
    await downloadWheels(work, variant, signal)
    await progress.step('unpacking its library', () => unpackWheels(work, signal))
    mkdirSync(made, { recursive: true })
    if (variant === 'gpu') await placeCuda(join(work, 'nvidia'), join(dirname(made), 'nvidia'), { progress, signal })
    const nodeHeaders = headersOf(process.execPath) ?? headersOf(await registryNode('for its headers')) ?? ''
    const packageFolder = dirname(require.resolve(MANIFEST))
    const inputs = { wheel, packageFolder, graphSource: GRAPH_SOURCE, nodeHeaders, target: made, signal }
    await progress.step(`compiling the addon of ${TENSORFLOW_PACKAGE} and graph.cc`, () => compileAddons(inputs))
    for (const name of LIBRARIES) renameSync(join(wheel, name), join(made, name))
    await progress.step('computing with it', async () => void (await check(work, signal)))
    writeFileSync(join(made, STAMP), stampText(variant))
    rmSync(folder, { recursive: true, force: true })
    renameSync(setUpFolder(work, variant), folder)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

async function placeCuda(from: string, to: string, { progress, signal }: Pick<SetUpContext, 'progress' | 'signal'>) {
  renameSync(from, to)
  linkNvrtc(to)
  await progress.step("loading CUDA's libraries", () => checkCuda(to, signal))
}

/** In a process of its own: on a processor that TensorFlow was not compiled for, the process is killed. */
async function check(cache: string, signal: AbortSignal): Promise<string | undefined> {
  try {
    const printed = await exec(process.execPath, [CHECK, cache], { signal })
    return printed.trim().split('\n').at(-1)
  } catch (error) {
    signal.throwIfAborted()
    const message = `TensorFlow ${TENSORFLOW_VERSION} does not run on this machine (${errorMessage(error)})`
    const advice = 'it needs a processor with AVX and glibc 2.17; jobs go on with WASM'
    throw new DownpourError('TENSORFLOW_UNUSABLE', `${message}: ${advice}`, {}, { cause: error })
  }
}

function isComplete(cache: string, variant: Variant): boolean {
  const stamp = join(tensorflowFolder(cache, variant), STAMP)
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === stampText(variant)
}

/** What the folder was made from: another addon, another graph.cc, other flags or other wheels make a new one. */
function stampText(variant: Variant): string {
  const { version } = require(MANIFEST) as { version: string }
  const graph = sha256Of(readFileSync(GRAPH_SOURCE, 'utf8'))
  const wheels = variant === 'gpu' ? [readFileSync(GPU_REQUIREMENTS, 'utf8')] : []
  const inputs = [TENSORFLOW_VERSION, version, graph, ...COMPILER_FLAGS, ...wheels]
  return `${sha256Of(inputs.join('\n'))}\n`
}
