/** Writes small data sets in the formats that training reads. */
import { mkdirSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import sharp from 'sharp'
import type { DataConfig } from '../../../src/contract/runtime.ts'
import { encodeExample } from '../../../src/data/codecs/example.ts'
import { encodeTfRecord } from '../../../src/data/codecs/tfrecord.ts'
import type { Label } from '../../../src/data/labels.ts'

let count = 0
/** Makes a new empty folder in `root`. */
export function inside(root: string): string {
  const folder = join(root, `set-${count++}`)
  mkdirSync(folder)
  return folder
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

export function holdsAll<T>(whole: ReadonlySet<T>, part: Iterable<T>): boolean {
  return [...part].every((item) => whole.has(item))
}

/** Labels: thing > fruit > apple, and tool. */
export const FRUIT: Label[] = [
  { id: 0, name: 'thing', parents: [] },
  { id: 1, name: 'fruit', parents: [0] },
  { id: 2, name: 'apple', parents: [1] },
  { id: 3, name: 'tool', parents: [0] },
]

/** Encodes an image of one colour. */
export function png(red: number, width = 6, height = 6): Promise<Buffer> {
  const background = { r: red, g: 100, b: 50 }
  return sharp({ create: { width, height, channels: 3, background } })
    .png()
    .toBuffer()
}

export interface RecordSpec {
  id: string
  labels: number[]
  /** The objects that the image shows; most data sets do not record them. */
  truth?: number[]
  /** Default: a valid image. */
  encoded?: Buffer
}

export async function encodeRecord({ id, labels, truth, encoded }: RecordSpec): Promise<Buffer> {
  return encodeTfRecord(
    encodeExample({
      'image/encoded': { bytes: [encoded ?? (await png(200))] },
      'image/id': { bytes: [Buffer.from(id)] },
      'image/class/label': { ints: labels },
      ...(truth && { 'image/class/truth': { ints: truth } }),
    }),
  )
}

/** Writes each list as one file, which is one unit. @returns the data section of a job */
export async function writeRecords(
  folder: string,
  units: readonly (readonly RecordSpec[])[],
  labels = FRUIT,
): Promise<DataConfig> {
  await writeFile(join(folder, 'labels.json'), JSON.stringify(labels))
  for (const [i, records] of units.entries()) {
    await writeFile(
      join(folder, `x-${String(i).padStart(5, '0')}.tfrecord`),
      Buffer.concat(await Promise.all(records.map(encodeRecord))),
    )
  }
  return { path: '.', format: 'tfrecord', maxCorruptRecords: 0 }
}

/** Writes class folders. `files` maps CLASS/IMAGE to the bytes of the image. */
export async function writeImages(folder: string, files: Record<string, Uint8Array>): Promise<DataConfig> {
  for (const [name, bytes] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), bytes)
  }
  return { path: '.', format: 'imagenet-folder', maxCorruptRecords: 0 }
}

export function records(prefix: string, length: number, labels = [2]): RecordSpec[] {
  return Array.from({ length }, (_, i) => ({ id: `${prefix}${i}`, labels }))
}
