/** Small official files for `downpour evaluate`. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { indexPng } from '../../../support/grey-or-palette-png.ts'

export const TRUTH = {
  images: [{ id: 1 }, { id: 2 }],
  categories: [
    { id: 3, name: 'cat' },
    { id: 7, name: 'dog' },
  ],
  annotations: [
    { id: 1, image_id: 1, category_id: 3, bbox: [10, 10, 40, 40], area: 1600, iscrowd: 0 },
    { id: 2, image_id: 2, category_id: 3, bbox: [20, 20, 60, 60], area: 3600, iscrowd: 0 },
  ],
}
export const RESULTS = TRUTH.annotations.map(({ image_id, category_id, bbox }) => ({
  image_id,
  category_id,
  bbox,
  score: 0.5,
}))

/** @returns the path */
export function write(folder: string, name: string, content: string | Uint8Array | object): string {
  const file = join(folder, name)
  mkdirSync(dirname(file), { recursive: true })
  const isText = typeof content === 'string' || content instanceof Uint8Array
  writeFileSync(file, isText ? content : JSON.stringify(content))
  return file
}

export function vocXml(objects: string, before = ''): string {
  return `${before}<annotation><filename>a.jpg</filename><size><width>50</width><height>50</height></size>${objects}</annotation>`
}

const CAR =
  '<object><name>car</name><difficult>0</difficult><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>10</xmax><ymax>10</ymax></bndbox></object>'

/** One image with a car that is found, and one mask of two classes and a void pixel. */
export function writeVoc(folder: string): { groundTruth: string; predictions: string } {
  write(folder, 'ImageSets/Main/test.txt', 'a\n')
  write(folder, 'ImageSets/Segmentation/val.txt', 'a\n')
  write(folder, 'Annotations/a.xml', vocXml(CAR))
  write(folder, 'SegmentationClass/a.png', mask([0, 0, 7, 255]))
  write(folder, 'results/comp4_det_test_car.txt', 'a 0.9 1 1 10 10\n')
  write(folder, 'results/a.png', mask([0, 7, 7, 7]))
  return { groundTruth: folder, predictions: join(folder, 'results') }
}

export function mask(values: readonly number[], palette?: Uint8Array): Buffer {
  return indexPng({ width: 2, height: values.length / 2, values: Uint8Array.from(values) }, 8, palette)
}
