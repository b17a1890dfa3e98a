/** Writes a file of the shape of COCO's instances_train2017.json: the same counts, fields and size, with random polygons. */
import { createWriteStream } from 'node:fs'
import { link, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import sharp from 'sharp'
import { createRandom, type Random } from '../../src/support/random.ts'

export interface Shape {
  readonly images: number
  readonly annotations: number
}

export const TRAIN_2017: Shape = { images: 118_287, annotations: 860_001 }

/** The ids of COCO's categories leave these out of 1 to 90. */
const GAPS = new Set([12, 26, 29, 30, 45, 66, 68, 69, 71, 83])
const CATEGORY_IDS = Array.from({ length: 90 }, (_, i) => i + 1).filter((id) => !GAPS.has(id))
/** The most frequent sizes of COCO's pictures: width, height. */
const SIZES = [
  [640, 480],
  [480, 640],
  [640, 427],
  [427, 640],
  [640, 426],
  [500, 375],
] as const
/** One annotation in a hundred is a crowd, with run lengths. */
const CROWD_EVERY = 100
/** Corners of a polygon beyond the first five, so that the file has 450 MB. */
const CORNERS = 36
const LINES_PER_WRITE = 500

/** Writes annotations/instances_train2017.json. @returns its path, relative to `folder` */
export async function writeInstances(folder: string, shape: Shape, seed: number): Promise<string> {
  await mkdir(join(folder, 'annotations'), { recursive: true })
  const path = join('annotations', 'instances_train2017.json')
  await pipeline(Readable.from(parts(shape, createRandom(seed))), createWriteStream(join(folder, path)))
  return path
}

/** Writes train2017/*.jpg: one picture of each size, under the names of all images of its size. */
export async function writePictures(folder: string, { images }: Shape): Promise<void> {
  await mkdir(join(folder, 'train2017'), { recursive: true })
  for (const [i, [width, height]] of SIZES.entries()) {
    const background = { r: 90, g: 120 + 20 * i, b: 60 }
    const picture = sharp({ create: { width, height, channels: 3, background } }).jpeg()
    await writeFile(join(folder, `size-${i}.jpg`), await picture.toBuffer())
  }
  for (let image = 0; image < images; image++) {
    await link(join(folder, `size-${image % SIZES.length}.jpg`), join(folder, 'train2017', fileName(image)))
  }
}

function* parts({ images, annotations }: Shape, random: Random): Generator<string> {
  yield '{"info": {"description": "generated", "year": 2017}, "licenses": [{"url": "", "id": 1, "name": "none"}], '
  yield '"images": ['
  yield* joined(images, imageText)
  yield '], "annotations": ['
  yield* joined(annotations, (i) => annotationText(i, random.int(images), random))
  yield '], "categories": ['
  yield CATEGORY_IDS.map((id) => `{"supercategory": "thing", "id": ${id}, "name": "category ${id}"}`).join(', ')
  yield ']}'
}

function* joined(count: number, textOf: (i: number) => string): Generator<string> {
  for (let i = 0; i < count; i += LINES_PER_WRITE) {
    const some = Array.from({ length: Math.min(LINES_PER_WRITE, count - i) }, (_, j) => textOf(i + j))
    yield `${i > 0 ? ', ' : ''}${some.join(', ')}`
  }
}

function imageText(i: number): string {
  const [width, height] = SIZES[i % SIZES.length] as (typeof SIZES)[number]
  const urls = `"coco_url": "http://images.example/train2017/${fileName(i)}", "flickr_url": "http://farm.example/${i}_z.jpg"`
  return `{"license": 1, "file_name": "${fileName(i)}", ${urls}, "height": ${height}, "width": ${width}, "date_captured": "2013-11-14 16:28:13", "id": ${i * 5 + 9}}`
}

function annotationText(i: number, image: number, random: Random): string {
  const [width, height] = SIZES[image % SIZES.length] as (typeof SIZES)[number]
  const [w, h] = [1 + random.next() * (width / 2), 1 + random.next() * (height / 2)]
  const [x, y] = [random.next() * (width - w), random.next() * (height - h)]
  const category = CATEGORY_IDS[random.int(CATEGORY_IDS.length)]
  const isCrowd = i % CROWD_EVERY === 0
  const segmentation = isCrowd ? runsText(width, height) : `[[${polygon(x, y, w, h, random).join(', ')}]]`
  const box = [x, y, w, h].map(hundredth).join(', ')
  return `{"segmentation": ${segmentation}, "area": ${(w * h * 0.6).toFixed(5)}, "iscrowd": ${isCrowd ? 1 : 0}, "image_id": ${image * 5 + 9}, "bbox": [${box}], "category_id": ${category}, "id": ${i + 100}}`
}

function polygon(x: number, y: number, w: number, h: number, random: Random): number[] {
  const corners = 5 + random.int(CORNERS)
  return Array.from({ length: corners }, (_, i) => {
    const angle = (2 * Math.PI * i) / corners
    const radius = 0.3 + random.next() * 0.2
    return [hundredth(x + w * (0.5 + radius * Math.cos(angle))), hundredth(y + h * (0.5 + radius * Math.sin(angle)))]
  }).flat()
}

/** Two columns of every ten. */
function runsText(width: number, height: number): string {
  const counts = Array.from({ length: width / 5 }, (_, i) => (i % 2 === 0 ? 8 * height : 2 * height)).slice(0, -1)
  const rest = width * height - counts.reduce((sum, run) => sum + run, 0)
  return `{"counts": [${[...counts, rest].join(', ')}], "size": [${height}, ${width}]}`
}

function fileName(i: number): string {
  return `${String(i * 5 + 9).padStart(12, '0')}.jpg`
}

function hundredth(value: number): number {
  return Math.round(value * 100) / 100
}
