/** Random COCO files for comparing scores: crowds, ties, areas at the limits, empty classes, more detections than count. */
import { createRandom, type Random } from '../../src/support/random.ts'

/** Keypoints of COCO's skeleton. */
const KEYPOINTS = 17
const OWN_SIGMAS = [0.05, 0.2, 0.1, 0.03, 0.15]

export type Kind = 'bbox' | 'keypoints'

export interface Case {
  readonly truth: {
    readonly images: readonly { id: number }[]
    readonly categories: readonly { id: number; name: string }[]
    readonly annotations: readonly Annotation[]
  }
  readonly results: readonly Result[]
  /** Of a skeleton other than COCO's. */
  readonly sigmas?: readonly number[]
}

type Box = [number, number, number, number]

interface Annotation {
  id: number
  image_id: number
  category_id: number
  bbox: Box
  area: number
  iscrowd: number
  keypoints?: number[]
  num_keypoints?: number
}

interface Result {
  image_id: number
  category_id: number
  score: number
  bbox?: Box
  keypoints?: number[]
}

export function randomCase(seed: number, kind: Kind): Case {
  const random = createRandom(seed)
  // Ids have gaps and do not ascend; coordinates on a grid give equal and zero similarities.
  const images = fill(1 + random.int(6), (i) => ({ id: (i ^ 1) * 3 + 2 }))
  const categories = fill(1 + random.int(4), (k) => ({ id: 90 - k * 7, name: `class ${k}` }))
  const sigmas = kind === 'keypoints' && random.int(4) === 0 ? OWN_SIGMAS : undefined
  const scene: Scene = {
    random,
    kind,
    images,
    categories,
    grid: random.int(2) === 0 ? 5 : 0.37,
    keypoints: sigmas?.length ?? KEYPOINTS,
    // A box beside the keypoints, or keypoints alone where boxes are scored: pycocotools takes both.
    resultFields: random.int(5) === 0 ? ['bbox', 'keypoints'] : random.int(8) === 0 ? ['keypoints'] : [kind],
  }
  const annotations = fill(random.int(25), (i) => annotation(scene, i))
  const count = 1 + random.int(random.int(5) === 0 ? 500 : 60)
  const results = fill(count, () => result(scene, annotations))
  return { truth: { images, categories, annotations }, results, ...(sigmas ? { sigmas } : {}) }
}

interface Scene {
  readonly random: Random
  readonly kind: Kind
  readonly images: Case['truth']['images']
  readonly categories: Case['truth']['categories']
  readonly grid: number
  readonly keypoints: number
  readonly resultFields: readonly Kind[]
}

function annotation(scene: Scene, i: number): Annotation {
  const { random, kind, images, categories } = scene
  const bbox = randomBox(scene)
  // The last of several categories stays empty.
  const category = categories[random.int(Math.max(1, categories.length - 1))] as { id: number }
  const area = [bbox[2] * bbox[3] * random.next(), 32 ** 2, 96 ** 2, 0][random.int(20) < 17 ? 0 : 1 + random.int(3)]
  const keypoints = random.int(7) === 0 ? Array<number>(scene.keypoints * 3).fill(0) : pointsIn(bbox, scene)
  const labelled = keypoints.filter((value, k) => k % 3 === 2 && value > 0).length
  return {
    // pycocotools counts a match with an object of the id 0 as a miss.
    id: random.int(40) === 0 ? 0 - i : i + 1,
    image_id: pick(images, random).id,
    category_id: category.id,
    bbox,
    area: area as number,
    iscrowd: random.int(7) === 0 ? 1 : 0,
    ...(kind === 'keypoints' ? { keypoints, num_keypoints: labelled } : {}),
  }
}

function result(scene: Scene, annotations: readonly Annotation[]): Result {
  const { random, images, categories, resultFields } = scene
  const near = annotations.length > 0 && random.int(5) < 3 ? pick(annotations, random) : undefined
  const bbox = near ? shifted(near.bbox, scene) : randomBox(scene)
  const keypoints = near?.keypoints?.map((value, k) => (k % 3 === 2 ? 1 : value + (random.next() - 0.5) * 15))
  return {
    image_id: near && random.int(10) > 0 ? near.image_id : pick(images, random).id,
    category_id: near && random.int(10) > 0 ? near.category_id : pick(categories, random).id,
    score: random.int(21) / 20,
    ...(resultFields.includes('keypoints') ? { keypoints: keypoints ?? pointsIn(bbox, scene) } : {}),
    ...(resultFields.includes('bbox') ? { bbox } : {}),
  }
}

function randomBox({ random, grid }: Scene): Box {
  const on = (value: number) => Math.round(value / grid) * grid
  const side = () => on(random.next() ** 2 * 300)
  return [on(random.next() * 300), on(random.next() * 200), side(), side()]
}

function shifted(box: Box, { random, grid }: Scene): Box {
  const move = (value: number) => value + Math.round(((random.next() - 0.5) * 20) / grid) * grid
  const [x, y, width, height] = box.map((value) => (random.int(3) === 0 ? value : move(value))) as Box
  return [x, y, Math.max(0, width), Math.max(0, height)]
}

function pointsIn([x, y, width, height]: Box, { random, keypoints }: Scene): number[] {
  return fill(keypoints, () => [x + random.next() * width, y + random.next() * height, random.int(3)]).flat()
}

function fill<T>(length: number, make: (i: number) => T): T[] {
  return Array.from({ length }, (_, i) => make(i))
}

function pick<T>(values: readonly T[], random: Random): T {
  return values[random.int(values.length)] as T
}
