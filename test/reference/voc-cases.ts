/** Random VOC folders: difficult objects, duplicates, ties, classes without objects, without detections, and at the limit. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createRandom, type Random } from '../../src/support/random.ts'

export const VOC_SET = 'test'
/** The first is no class of VOC, so it needs an object. */
const NAMES = ['traffic_light', 'cat', 'dog', 'pottedplant', 'tvmonitor']

type Box = readonly [xmin: number, ymin: number, xmax: number, ymax: number]

interface Found {
  readonly image: string
  readonly name: string
  readonly box: Box
  readonly difficult: boolean
}

/** Writes Annotations, ImageSets and results below `folder`. */
export function writeVocCase(folder: string, seed: number): void {
  const random = createRandom(seed)
  for (const path of ['Annotations', 'ImageSets/Main', 'results']) mkdirSync(join(folder, path), { recursive: true })
  const images = Array.from({ length: 1 + random.int(6) }, (_, i) => `2008_${String(i * 7 + 1).padStart(6, '0')}`)
  // The last name never has an object; that some others have none, or difficult ones alone, is left to chance.
  const names = NAMES.slice(0, 2 + random.int(NAMES.length - 1))
  const objects = Array.from({ length: 1 + random.int(24) }, (_, i) =>
    object(images, i === 0 ? names.slice(0, 1) : names.slice(0, -1), random),
  )
  writeFileSync(join(folder, `ImageSets/Main/${VOC_SET}.txt`), `${images.join('\n')}\n`)
  for (const image of images) writeFileSync(join(folder, `Annotations/${image}.xml`), annotation(image, objects))
  for (const name of names) {
    // A class without a result file was not found at all; a folder without any file is refused.
    const lines =
      random.int(6) === 0 && name !== names.at(-1) ? undefined : detections(objects, { name, images }, random)
    if (lines) writeFileSync(join(folder, `results/comp4_det_${VOC_SET}_${name}.txt`), lines.join(''))
  }
  writeFileSync(join(folder, `results/comp3_cls_${VOC_SET}_cat.txt`), 'another competition\n')
}

function object(images: readonly string[], names: readonly string[], random: Random): Found {
  return { image: pick(images, random), name: pick(names, random), box: anyBox(random), difficult: random.int(4) === 0 }
}

function annotation(image: string, objects: readonly Found[]): string {
  const own = objects.filter((one) => one.image === image)
  const parts = own.map(
    ({ name, box: [xmin, ymin, xmax, ymax], difficult }) =>
      `<object><name>${name}</name><pose>Left</pose><truncated>0</truncated><difficult>${difficult ? 1 : 0}</difficult>
    <bndbox><xmin>${xmin}</xmin><ymin>${ymin}</ymin><xmax>${xmax}</xmax><ymax>${ymax}</ymax></bndbox></object>`,
  )
  return `<annotation><filename>${image}.jpg</filename>
  <size><width>200</width><height>200</height><depth>3</depth></size>${parts.join('')}</annotation>`
}

function detections(
  objects: readonly Found[],
  { name, images }: { name: string; images: readonly string[] },
  random: Random,
): string[] {
  const own = objects.filter((one) => one.name === name)
  return Array.from({ length: random.int(40) }, () => {
    const near = own.length > 0 && random.int(4) > 0 ? pick(own, random) : undefined
    const image = near?.image ?? pick(images, random)
    const box = near ? shifted(near.box, random) : anyBox(random)
    return `${image} ${(random.int(11) / 10).toFixed(6)} ${box.map((value) => value.toFixed(6)).join(' ')}\n`
  })
}

function anyBox(random: Random): Box {
  const [x, y] = [1 + random.int(120), 1 + random.int(120)]
  return [x, y, x + random.int(60), y + random.int(60)]
}

/** The same box, one that overlaps by exactly a half, or one moved by some pixels. */
function shifted([xmin, ymin, xmax, ymax]: Box, random: Random): Box {
  if (random.int(4) === 0) return [xmin, ymin, xmax, ymax]
  if (random.int(5) === 0) return [xmin, ymin, xmax, ymax + (ymax - ymin + 1)]
  const by = () => Math.round((random.next() - 0.5) * 16) / 2
  const [left, top] = [xmin + by(), ymin + by()]
  return [left, top, Math.max(left, xmax + by()), Math.max(top, ymax + by())]
}

function pick<T>(values: readonly T[], random: Random): T {
  return values[random.int(values.length)] as T
}
