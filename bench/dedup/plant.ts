/** Writes a test set, and training data with copies of some of its pictures among many others. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { encodeExample } from '../../src/data/codecs/example.ts'
import { encodeTfRecord } from '../../src/data/codecs/tfrecord.ts'
import { createRandom, seedOf } from '../../src/support/random.ts'
import { COPIES, COPY_KINDS, type CopyKind, open } from './copies.ts'
import { KIND_NAMES, KINDS, type Kind, nearlyUniform, type Raw } from './pictures.ts'

export interface PlantOptions {
  readonly folder: string
  readonly seed: number
  /** Test pictures of each kind. Four of five have one copy in the training data, of each copy kind equally often. */
  readonly perKind: number
  /** Training pictures of each kind that are no copies. */
  readonly othersPerKind: number
}

export interface Planted {
  readonly test: string
  readonly training: string
  readonly picture: Kind
  readonly copy: CopyKind
}

const SHARDS = 8
type Written = readonly [id: string, encoded: Buffer]

/** @returns what was planted; the folders `test` and `training` are data sets of format tfrecord */
export async function plant({ folder, seed, perKind, othersPerKind }: PlantOptions): Promise<Planted[]> {
  const planted: Planted[] = []
  const [test, training]: [Written[], Written[]] = [[], []]
  for (const picture of KIND_NAMES)
    for (let i = 0; i < perKind; i++) {
      const id = `${picture}-${i}`
      const raw = KINDS[picture](createRandom(seedOf(seed, 'test', id)))
      test.push([id, await png(raw)])
      const copy = COPY_KINDS[i % (COPY_KINDS.length + 1)]
      if (!copy) continue
      const source = { test: id, training: `copy-${copy}-${id}`, picture, copy }
      planted.push(source)
      training.push([source.training, await COPIES[copy](raw, createRandom(seedOf(seed, source.training)))])
    }
  for (const [name, draw] of [...Object.entries(KINDS), ['uniform', nearlyUniform] as const])
    for (let i = 0; i < othersPerKind; i++) {
      const id = `other-${name}-${i}`
      training.push([id, await png(draw(createRandom(seedOf(seed, 'training', id))))])
    }
  for (let i = 0; i < perKind; i++)
    test.push([`uniform-${i}`, await png(nearlyUniform(createRandom(seedOf(seed, 'test', 'uniform', i))))])
  await writeShards(join(folder, 'test'), test)
  await writeShards(join(folder, 'training'), shuffled(training, seed))
  return planted
}

function png(raw: Raw): Promise<Buffer> {
  return open(raw).png({ compressionLevel: 3 }).toBuffer()
}

function shuffled(pictures: readonly Written[], seed: number): Written[] {
  return pictures.toSorted(([a], [b]) => seedOf(seed, 'order', a) - seedOf(seed, 'order', b))
}

async function writeShards(folder: string, pictures: readonly Written[]): Promise<void> {
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'labels.json'), JSON.stringify([{ id: 0, name: 'picture', parents: [] }]))
  for (let shard = 0; shard < SHARDS; shard++) {
    const records = pictures.filter((_, i) => i % SHARDS === shard).map(([id, encoded]) => recordOf(id, encoded))
    await writeFile(join(folder, `data-${digits(shard)}-of-${digits(SHARDS)}.tfrecord`), Buffer.concat(records))
  }
}

function recordOf(id: string, encoded: Buffer): Buffer {
  const features = {
    'image/encoded': { bytes: [encoded] },
    'image/id': { bytes: [Buffer.from(id)] },
    'image/class/label': { ints: [0] },
  }
  return encodeTfRecord(encodeExample(features))
}

function digits(value: number): string {
  return String(value).padStart(5, '0')
}
