/** Random annotations of objects, and the records of them. */
import fc from 'fast-check'
import type { AnnotatedObject, ObjectAnnotation } from '../../../../src/data/annotations.ts'
import { encodeExample, type Features } from '../../../../src/data/codecs/example.ts'
import { encodeTfRecord } from '../../../../src/data/codecs/tfrecord.ts'
import type { Label } from '../../../../src/data/labels.ts'
import { createLabelMap } from '../../../../src/data/labels.ts'
import { objectFeatures } from '../../../../src/data/records/object-record.ts'
import { pictureFeatures } from '../../../../src/data/records/picture-record.ts'

export const WIDTH = 20
export const HEIGHT = 10
export const KEYPOINTS = ['nose', 'left eye', 'right eye']

/** Ids of categories with gaps. */
export const ANIMALS: Label[] = [
  { id: 0, name: 'person', parents: [], categoryId: 1, keypoints: KEYPOINTS },
  { id: 1, name: 'dog', parents: [], categoryId: 18 },
  { id: 2, name: 'zebra', parents: [], categoryId: 24 },
]
export const LABELS = createLabelMap(ANIMALS)

/** In sixteenths of a pixel, which shares of 20 and 10 pixels keep to 5 digits as 32-bit floats. */
const place = (most: number) => fc.integer({ min: 0, max: 16 * most }).map((sixteenths) => sixteenths / 16)
const span = (most: number) =>
  fc.tuple(place(most), place(most)).map(([a, b]) => [Math.min(a, b), Math.abs(a - b)] as const)
const box = fc.tuple(span(WIDTH), span(HEIGHT)).map(([[x, w], [y, h]]) => [x, y, w, h] as const)
const keypoint = fc.tuple(place(WIDTH), place(HEIGHT), fc.constantFrom(0, 1, 2))
const segmentation = fc
  .array(fc.boolean(), { minLength: WIDTH * HEIGHT, maxLength: WIDTH * HEIGHT })
  .filter((pixels) => pixels.includes(true))
  .map((pixels) => ({ type: 'rle' as const, height: HEIGHT, width: WIDTH, counts: runs(pixels) }))

function runs(pixels: readonly boolean[]): number[] {
  const counts = [0]
  pixels.forEach((isSet, i) => {
    if (isSet !== (i > 0 && pixels[i - 1])) counts.push(0)
    counts[counts.length - 1] = (counts.at(-1) as number) + 1
  })
  return counts
}

export const anyObject: fc.Arbitrary<AnnotatedObject> = fc.record({
  box,
  label: fc.nat({ max: ANIMALS.length - 1 }),
  crowd: fc.boolean(),
  difficult: fc.boolean(),
  area: place(200),
  segmentation,
  keypoints: fc.array(keypoint, { minLength: KEYPOINTS.length, maxLength: KEYPOINTS.length }).map((all) => all.flat()),
})

export async function objectRecord(
  id: string,
  encoded: Uint8Array,
  annotation: ObjectAnnotation,
  hasMasks: boolean,
  others: Features = {},
): Promise<Buffer> {
  const picture = {
    id,
    fileName: `${id}.png`,
    encoded,
    format: 'png',
    width: annotation.width,
    height: annotation.height,
  }
  const objects = await objectFeatures(annotation, LABELS, hasMasks)
  return encodeTfRecord(encodeExample({ ...pictureFeatures(picture), ...objects, ...others }))
}
