/** The objects of a batch on their way through tensors: the second stage needs them after it has read the proposals. */
import type { Values } from '../../tensor/values.ts'
import { readTruth, type Truth } from './matches.ts'
import type { DetectorTarget, Size } from './types.ts'

/** What proposals of an image are compared with. */
export interface ImageObjects {
  readonly truth: Truth
  readonly size: Size
  readonly seed: number
}

/** B images, N the most objects of an image; rows without an object have an empty box. */
export function encodeObjects(targets: readonly DetectorTarget[]) {
  const [images, most] = [targets.length, Math.max(1, ...targets.map(({ classes }) => classes.length))]
  const boxes_BN4 = new Float32Array(images * most * 4)
  const classes_BN = new Int32Array(images * most)
  const ignored_BN = new Int32Array(images * most)
  targets.forEach(({ boxes, classes, ignored }, image) => {
    boxes_BN4.set(boxes, image * most * 4)
    classes_BN.set(classes, image * most)
    ignored_BN.set(ignored, image * most)
  })
  const sizes = targets.flatMap(({ size: { height, width } }) => [height, width])
  return {
    boxes_BN4: { shape: [images, most, 4], values: boxes_BN4 },
    classes_BN: { shape: [images, most], values: classes_BN },
    ignored_BN: { shape: [images, most], values: ignored_BN },
    size_B2: { shape: [images, 2], values: Int32Array.from(sizes) },
    seed_B: { shape: [images], values: Int32Array.from(targets, ({ seed }) => seed) },
  } satisfies Record<string, Values>
}

export type ObjectArrays = Readonly<Record<keyof ReturnType<typeof encodeObjects>, Float32Array | Int32Array>>

export function readObjects(arrays: ObjectArrays): ImageObjects[] {
  const images = arrays.seed_B.length
  const most = arrays.classes_BN.length / images
  return Array.from({ length: images }, (_, image) => {
    const size = sizeAt(arrays.size_B2, image)
    const [from, to] = [image * most, (image + 1) * most]
    const boxes = arrays.boxes_BN4.subarray(4 * from, 4 * to) as Float32Array
    const truth = readTruth(boxes, arrays.classes_BN.subarray(from, to), arrays.ignored_BN.subarray(from, to), size)
    return { truth, size, seed: arrays.seed_B[image] as number }
  })
}

export function sizeAt(size_B2: ArrayLike<number>, image: number): Size {
  return { height: size_B2[2 * image] as number, width: size_B2[2 * image + 1] as number }
}
