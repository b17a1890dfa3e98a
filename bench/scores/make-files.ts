/** Writes a COCO annotation file and a results file of the size of val2017 and of a dense detector's output. */
import { createWriteStream } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createRandom, type Random } from '../../src/support/random.ts'

export interface Sizes {
  readonly images: number
  readonly objects: number
  readonly detections: number
  readonly categories: number
}

const SIDE = { width: 640, height: 480 }
/** The category ids of COCO have gaps like these. */
const ID_STEP = 1.125
/** Of detections that are near an object; the others are anywhere. */
const NEAR = 0.35
const CROWDS = 0.01

type Box = readonly [x: number, y: number, width: number, height: number]
interface Place {
  readonly image: number
  readonly category: number
  readonly box: Box
}

export async function makeFiles(sizes: Sizes, seed: number, files: { truth: string; results: string }): Promise<void> {
  const random = createRandom(seed)
  const objects = Array.from({ length: sizes.objects }, () => anyPlace(sizes, random))
  await writeList(files.truth, truthLines(sizes, objects, random))
  await writeList(files.results, resultLines(sizes, objects, random))
}

async function writeList(file: string, lines: Iterable<string>): Promise<void> {
  await pipeline(Readable.from(lines), createWriteStream(file))
}

function* truthLines({ images, categories }: Sizes, objects: readonly Place[], random: Random): Generator<string> {
  yield '{"images": ['
  yield* joined(images, (i) => ({ id: imageId(i), file_name: `${i}.jpg`, ...SIDE }))
  yield '], "categories": ['
  yield* joined(categories, (i) => ({ id: categoryId(i), name: `class ${i}` }))
  yield '], "annotations": ['
  yield* joined(objects.length, (i) => {
    const { image, category, box } = objects[i] as Place
    // A mask has about two thirds of the pixels of its box.
    const area = rounded(box[2] * box[3] * (0.5 + random.next() / 3), 4)
    const iscrowd = random.next() < CROWDS ? 1 : 0
    return { id: i + 1, image_id: imageId(image), category_id: categoryId(category), bbox: box, area, iscrowd }
  })
  yield ']}\n'
}

function* resultLines(sizes: Sizes, objects: readonly Place[], random: Random): Generator<string> {
  yield '['
  yield* joined(sizes.detections, () => {
    const isNear = random.next() < NEAR
    const { image, category, box } = isNear
      ? moved(objects[random.int(objects.length)] as Place, random)
      : anyPlace(sizes, random)
    const score = rounded(isNear ? Math.sqrt(random.next()) : random.next() ** 3, 5)
    return { image_id: imageId(image), category_id: categoryId(category), bbox: box, score }
  })
  yield ']\n'
}

function* joined(count: number, make: (i: number) => object): Generator<string> {
  for (let i = 0; i < count; i++) yield `${i === 0 ? '' : ', '}${JSON.stringify(make(i))}`
}

/** Frequencies of categories fall as 1 / rank, roughly as those of COCO do. */
function anyPlace({ images, categories }: Sizes, random: Random): Place {
  const category = Math.floor((categories + 1) ** random.next()) - 1
  const [width, height] = [10 + random.next() ** 2 * 300, 10 + random.next() ** 2 * 300]
  const box = [random.next() * (SIDE.width - width), random.next() * (SIDE.height - height), width, height]
  return { image: random.int(images), category, box: box.map((value) => rounded(value, 2)) as unknown as Box }
}

function moved({ box: [x, y, width, height], ...place }: Place, random: Random): Place {
  const spread = random.next() * 0.2
  const by = (length: number) => spread * length * random.normal()
  const box = [x + by(width), y + by(height), width + by(width), height + by(height)]
  return { ...place, box: box.map((value) => rounded(Math.max(0, value), 2)) as unknown as Box }
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}

function imageId(i: number): number {
  return 139 + i * 116
}

function categoryId(i: number): number {
  return Math.floor(1 + i * ID_STEP)
}
