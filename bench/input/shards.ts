/** Makes TFRecord shards of pictures whose files are as large as those of photographs. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import { encodeExample } from '../../src/data/codecs/example.ts'
import { bytes, ints, text } from '../../src/data/codecs/features.ts'
import { encodeTfRecord } from '../../src/data/codecs/tfrecord.ts'
import { createRandom, type Random } from '../../src/support/random.ts'

const [WIDTH, HEIGHT, CHANNELS] = [500, 375, 3] as const
/** Cells across the picture, and how much each scale adds: coarse shapes, and detail that a JPEG needs bytes for. */
const SCALES = [
  { cells: 4, amplitude: 70 },
  { cells: 16, amplitude: 40 },
  { cells: 64, amplitude: 28 },
  { cells: 250, amplitude: 22 },
] as const
const QUALITY = 88
const CLASSES = 10
/** Pictures are made once and repeated in each shard. */
export const SHARDS = 8
export const SHARD_IMAGES = 160

/** @returns the mean size of a picture in bytes */
export async function writeShards(folder: string, seed: number): Promise<number> {
  const random = createRandom(seed)
  const pictures: Buffer[] = []
  for (let i = 0; i < SHARD_IMAGES; i++) pictures.push(await picture(random))
  await mkdir(folder, { recursive: true })
  for (let shard = 0; shard < SHARDS; shard++) {
    const records = pictures.map((one, i) => recordOf(`${shard}-${i}`, i % CLASSES, one))
    await writeFile(join(folder, `x-${shard}.tfrecord`), Buffer.concat(records))
  }
  const labels = Array.from({ length: CLASSES }, (_, id) => ({ id, name: `class ${id}`, parents: [] }))
  await writeFile(join(folder, 'labels.json'), JSON.stringify(labels))
  return pictures.reduce((sum, { length }) => sum + length, 0) / pictures.length
}

function recordOf(id: string, label: number, encoded: Buffer): Buffer {
  const features = { 'image/encoded': bytes(encoded), 'image/id': text(id), 'image/class/label': ints([label]) }
  return encodeTfRecord(encodeExample(features))
}

/** Smooth noise of several scales. */
async function picture(random: Random): Promise<Buffer> {
  const rgb = new Float32Array(WIDTH * HEIGHT * CHANNELS).fill(128)
  for (const { cells, amplitude } of SCALES) {
    const values = await noise(cells, random)
    for (let i = 0; i < rgb.length; i++) {
      rgb[i] = (rgb[i] as number) + amplitude * ((values[i] as number) / 127.5 - 1)
    }
  }
  return sharp(Uint8ClampedArray.from(rgb), { raw: { width: WIDTH, height: HEIGHT, channels: CHANNELS } })
    .jpeg({ quality: QUALITY })
    .toBuffer()
}

async function noise(cells: number, random: Random): Promise<Buffer> {
  const rows = Math.ceil((cells * HEIGHT) / WIDTH)
  const values = Uint8Array.from({ length: cells * rows * CHANNELS }, () => random.int(256))
  return sharp(values, { raw: { width: cells, height: rows, channels: CHANNELS } })
    .resize(WIDTH, HEIGHT, { fit: 'fill', kernel: 'cubic' })
    .raw()
    .toBuffer()
}
