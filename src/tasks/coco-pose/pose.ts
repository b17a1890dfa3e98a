/** Persons of the annotations and poses that were found, in pixels of the picture file. */
import type { Box } from './crop.ts'

export interface TruePerson {
  readonly box: Box
  readonly area: number
  readonly isCrowd: boolean
  /** x, y and visibility in COCO's order. */
  readonly keypoints: readonly number[]
}

export interface Pose {
  /** x, y and 2 for each keypoint. */
  readonly keypoints: readonly number[]
  readonly score: number
  readonly box: Box
}

/** Whether COCO's evaluation expects the person to be found. Others are not learnt, either. */
export function isCounted({ isCrowd, keypoints }: TruePerson): boolean {
  return !isCrowd && isLabelled(keypoints)
}

/** Whether one of them is. */
export function isLabelled(keypoints: readonly number[]): boolean {
  return keypoints.some((value, i) => i % 3 === 2 && value > 0)
}
