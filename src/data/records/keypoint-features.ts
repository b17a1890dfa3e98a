/** Keypoints of objects as features of a record: those of all objects one after the other, as shares of the picture. */
import type { AnnotatedObject } from '../annotations.ts'
import type { Features } from '../codecs/example.ts'
import { floats, floatsOf, ints, intsOf, texts } from '../codecs/features.ts'
import type { Label } from '../labels.ts'

const KEYS = {
  x: 'image/object/keypoint/x',
  y: 'image/object/keypoint/y',
  visibility: 'image/object/keypoint/visibility',
  /** Labelled keypoints of each object. */
  num: 'image/object/keypoint/num',
  text: 'image/object/keypoint/text',
} as const

/**
 * Nothing if no label has keypoints. Objects without keypoints get as many unlabelled ones as the others have, because a
 * reader divides the lists by the number of objects.
 * @throws Error: objects with different numbers of keypoints
 */
export function keypointFeatures(
  objects: readonly AnnotatedObject[],
  labels: readonly Label[],
  width: number,
  height: number,
): Features {
  const counts = new Set(objects.flatMap(({ keypoints }) => (keypoints ? [keypoints.length / 3] : [])))
  if (counts.size === 0 && !labels.some(({ keypoints }) => keypoints)) return {}
  if (counts.size > 1) {
    throw new Error(`its objects have ${[...counts].join(' and ')} keypoints; a record has the same number for each`)
  }
  const [count = 0] = counts
  const all = objects.map(({ keypoints }) => keypoints ?? new Array<number>(3 * count).fill(0))
  const parts = (part: number) => all.flatMap((keypoints) => keypoints.filter((_, i) => i % 3 === part))
  const labelled = (keypoints: readonly number[]) => keypoints.filter((value, i) => i % 3 === 2 && value > 0).length
  const names = labels.find(({ keypoints }) => keypoints?.length === count)?.keypoints
  return {
    [KEYS.x]: floats(parts(0).map((x) => x / width)),
    [KEYS.y]: floats(parts(1).map((y) => y / height)),
    [KEYS.visibility]: ints(parts(2)),
    [KEYS.num]: ints(all.map(labelled)),
    ...(names ? { [KEYS.text]: texts(objects.flatMap(() => names)) } : {}),
  }
}

/** x, y and visibility of the keypoints of each object; undefined if the record has none. @throws Error */
export function keypointsIn(
  features: Features,
  objects: number,
  width: number,
  height: number,
): number[][] | undefined {
  const [xs, ys] = [floatsOf(features[KEYS.x]) ?? [], floatsOf(features[KEYS.y]) ?? []]
  if (xs.length === 0 && ys.length === 0) return undefined
  const stored = intsOf(features[KEYS.visibility]) ?? []
  const visibility = stored.length > 0 ? stored : xs.map(() => 2)
  if (ys.length !== xs.length || visibility.length !== xs.length) {
    throw new Error(`${KEYS.x}, y and visibility: have ${xs.length}, ${ys.length} and ${visibility.length} values`)
  }
  if (objects === 0 || xs.length % objects !== 0) {
    throw new Error(`${KEYS.x}: has ${xs.length} values, which ${objects} boxes cannot share`)
  }
  const wrong = [...xs, ...ys].find((value) => !Number.isFinite(value))
  if (wrong !== undefined) throw new Error(`${KEYS.x} and y: ${wrong}: expected a share of the picture`)
  const unknown = visibility.find((value) => ![0, 1, 2].includes(value))
  if (unknown !== undefined) throw new Error(`${KEYS.visibility}: ${unknown}: expected 0, 1 or 2`)
  const each = xs.length / objects
  const triple = (i: number) => [(xs[i] as number) * width, (ys[i] as number) * height, visibility[i] as number]
  return Array.from({ length: objects }, (_, object) =>
    Array.from({ length: each }, (_, i) => triple(object * each + i)).flat(),
  )
}
