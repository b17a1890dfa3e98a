/** Targets and annotations of poses. */
import type { AnnotatedObject } from '../../../../src/data/annotations.ts'
import type { Label } from '../../../../src/data/labels.ts'
import { createRandom } from '../../../../src/support/random.ts'
import { KEYPOINTS } from '../../../../src/tasks/coco-pose/skeleton.ts'
import type { PoseTarget } from '../../../../src/tasks/coco-pose/target.ts'

export const K = 17
export const PERSON: Label = { id: 0, name: 'person', parents: [], categoryId: 1, keypoints: [...KEYPOINTS] }

/** @param points x, y and 1 or 0 of each keypoint */
export function target(points: readonly number[], fields: Partial<PoseTarget> = {}): PoseTarget {
  return {
    size: { height: 16, width: 12 },
    diskRadius: 3,
    keypoints: Float32Array.from(points),
    others: new Float32Array(),
    scoring: { image: '1', label: 0, persons: [], place: undefined },
    ...fields,
  }
}

/** Every keypoint labelled, somewhere in the crop. */
export function somewhere(seed: number, width = 12, height = 16): number[] {
  const random = createRandom(seed)
  return KEYPOINTS.flatMap(() => [random.next() * (width - 1), random.next() * (height - 1), 1])
}

/** A person whose keypoint k is at (x + k, y + 2k). */
export function person(x: number, y: number, fields: Partial<AnnotatedObject> = {}): AnnotatedObject {
  const keypoints = KEYPOINTS.flatMap((_, k) => [x + k, y + 2 * k, 2])
  return { box: [x, y, 16, 32], area: 300, label: 0, crowd: false, difficult: false, keypoints, ...fields }
}
