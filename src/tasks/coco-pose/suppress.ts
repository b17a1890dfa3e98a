/** Non-maximum suppression of poses (paper.md §4.8): two boxes around one person give nearly the same pose. */
import { poseSimilarity } from '../../scores/index.ts'
import type { Pose } from './pose.ts'

const SAME_PERSON = 0.5

/**
 * Without each pose that is similar to one with a better score; the best score first.
 * The similarity is OKS, with the area of the better one's box.
 */
export function suppress(poses: readonly Pose[]): Pose[] {
  const kept: Pose[] = []
  for (const pose of poses.toSorted((a, b) => b.score - a.score)) {
    if (!kept.some((better) => isSame(better, pose))) kept.push(pose)
  }
  return kept
}

function isSame({ keypoints, box }: Pose, other: Pose): boolean {
  return poseSimilarity({ keypoints, box, area: box[2] * box[3] }, other.keypoints) > SAME_PERSON
}
