/** Costs that need no second process: optimizers, the copy and the writing of a checkpoint, decoding of pictures. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { commitFile } from '../../src/checkpoint/commit.ts'
import type { Optimizer } from '../../src/contract/training.ts'
import { decodeSquare } from '../../src/data/codecs/image.ts'
import { createShard } from '../../src/ps/restore.ts'
import { Training } from '../../src/ps/training.ts'
import { WorkerTable } from '../../src/ps/workers.ts'
import type { Costs } from '../../src/simulate/machine.ts'
import { createRandom } from '../../src/support/random.ts'
import { wholeLayout } from '../../src/wire/layout.ts'
import { jobConfig, LAYOUT } from './job.ts'

const ROUNDS = 40
const FILE_BYTES = 256 << 20
const WARM_UP_FILES = 2
/** Pictures of the sizes of ImageNet's and of the generated ones. */
const LARGE = { width: 500, height: 375, resized: 340, count: 100 }
const SMALL = { width: 40, height: 40, resized: 36, count: 400 }
const MOMENTUM: Optimizer = { type: 'momentum', momentum: 0.9 }
const WORKER = { index: 0, podUid: 'worker-0' }

/** Of 10^9 bytes of gradients that have been received, until they are applied. */
export async function applySeconds(): Promise<Costs['server']['applySecondsPerGigabyte']> {
  return {
    rmsprop: await applySecondsOf({ type: 'rmsprop', decay: 0.9, momentum: 0.9, epsilon: 1 }),
    momentum: await applySecondsOf(MOMENTUM),
    adam: await applySecondsOf({ type: 'adam', beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }),
  }
}

function applySecondsOf(optimizer: Optimizer): Promise<number> {
  const config = { ...jobConfig(['127.0.0.1']), optimizer }
  const workers = new WorkerTable()
  workers.admit(WORKER, 0, () => true)
  const shard = shardWith(optimizer)
  const training = new Training({ config, index: 0, incarnation: 1, version: 0, globalStep: 0, shard, workers })
  const body = new Uint8Array(new Float32Array(shard.layout.trainable).fill(1e-3).buffer)
  return secondsPerGigabyte(body.length, () => {
    const { version } = training
    const counts = { loss: 1, examples: 1, batches: 1, globalStep: version }
    const push = { type: 'push', seq: version + 1, incarnation: 1, baseVersion: version, ...counts } as const
    const result = training.push(WORKER, push, body)
    if (result !== 'applied') throw new Error(`a push was ${result}`)
  })
}

export function copySeconds(): Promise<number> {
  const shard = shardWith(MOMENTUM)
  const copy = shard.copy()
  const values = copy.weights.length + [...copy.slots.values()].reduce((total, { length }) => total + length, 0)
  return secondsPerGigabyte(4 * values, () => void shard.copy(copy))
}

/**
 * The file is written and synced, and its bytes are hashed meanwhile, as a checkpoint's. The first one is not counted: it takes
 * three times the CPU time of later ones, and a job saves many.
 */
export async function diskCosts(): Promise<Costs['disk']> {
  const folder = await mkdtemp(join(tmpdir(), 'downpour-disk-'))
  const bytes = new Uint8Array(FILE_BYTES).fill(1)
  const write = async () => void (await commitFile(join(folder, 'file'), [bytes]))
  try {
    for (let i = 0; i < WARM_UP_FILES; i++) await write()
    const startedMs = performance.now()
    const cpuSeconds = await cpuSecondsOf(write)
    const seconds = (performance.now() - startedMs) / 1000
    return { bytesPerSecond: FILE_BYTES / seconds, hashSecondsPerGigabyte: (cpuSeconds * 1e9) / FILE_BYTES }
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** Of one thread that decodes and resizes JPEGs. */
export async function inputCosts(): Promise<Costs['input']> {
  const [large, small] = [await decodeSeconds(LARGE), await decodeSeconds(SMALL)]
  const [most, least] = [LARGE, SMALL].map(({ resized }) => resized ** 2 / 1e6) as [number, number]
  const secondsPerMegapixel = (large - small) / (most - least)
  return { secondsPerImage: Math.max(0, small - least * secondsPerMegapixel), secondsPerMegapixel }
}

async function decodeSeconds({ width, height, resized, count }: typeof LARGE): Promise<number> {
  const random = createRandom(0)
  const raw = { width, height, channels: 3 as const }
  const coarse = Uint8Array.from({ length: 3 * 12 * 16 }, () => random.int(256))
  const scaled = sharp(coarse, { raw: { width: 16, height: 12, channels: 3 } }).resize(width, height, { fit: 'fill' })
  const pixels = (await scaled.raw().toBuffer()).map((value) => value ^ random.int(16))
  const encoded = await sharp(pixels, { raw }).jpeg({ quality: 85 }).toBuffer()
  const seconds = await cpuSecondsOf(async () => {
    for (let i = 0; i < count; i++) await decodeSquare(encoded, resized)
  })
  return seconds / count
}

function shardWith(optimizer: Optimizer) {
  const shard = createShard(wholeLayout(LAYOUT), { ...jobConfig(['127.0.0.1']), optimizer })
  shard.draw(0)
  return shard
}

async function secondsPerGigabyte(bytes: number, work: () => void): Promise<number> {
  const seconds = await cpuSecondsOf(async () => {
    for (let i = 0; i < ROUNDS; i++) work()
  })
  return (seconds * 1e9) / (ROUNDS * bytes)
}

/** Not the wall time, which other programs of the machine lengthen. */
async function cpuSecondsOf(work: () => Promise<void>): Promise<number> {
  const before = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1e6
}
