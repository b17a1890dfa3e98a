/**
 * The lower bound for the loader: sharp decodes and resizes the pictures of the shards in a plain loop, and does nothing else.
 * usage: one-sharp.ts FOLDER IMAGES
 */
import sharp from 'sharp'
import { openClassDataset } from '../../src/data/formats.ts'
import { cpuSeconds, type Run } from './run.ts'

/** Of the square that pre-training cuts its crops from. */
const SIDE = 340

const [folder = '.', images] = process.argv.slice(2)
sharp.cache(false)
sharp.concurrency(1)
const pictures = await encodedPictures(folder)
console.log(JSON.stringify(await measure(Number(images))))

async function encodedPictures(dataFolder: string): Promise<Uint8Array[]> {
  const dataset = await openClassDataset(dataFolder, { path: '.', format: 'tfrecord', maxCorruptRecords: 0 })
  const found: Uint8Array[] = []
  for await (const item of dataset.read(0)) if (item.type === 'example') found.push(item.bytes)
  return found
}

async function measure(count: number): Promise<Run> {
  const [started, cpuBefore] = [performance.now(), cpuSeconds()]
  for (let i = 0; i < count; i++) {
    const picture = pictures[i % pictures.length] as Uint8Array
    await sharp(picture).resize(SIDE, SIDE, { fit: 'fill' }).raw().toBuffer()
  }
  return { images: count, seconds: (performance.now() - started) / 1000, cpuSeconds: cpuSeconds() - cpuBefore }
}
