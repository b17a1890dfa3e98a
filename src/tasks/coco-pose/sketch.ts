/** What a report draws of a crop. */
import type { SketchedObject } from '../../contract/sketch.ts'
import { poseSimilarity } from '../../scores/index.ts'
import type { Sketches } from '../task.ts'
import { isCounted, type Pose, type TruePerson } from './pose.ts'
import type { PoseTarget } from './target.ts'

/**
 * The pose, beside the person that it is most similar to; the OKS of the two is the score. A picture without a box has the
 * score 0, and shows all its persons.
 */
export function sketchPose(pose: Pose | undefined, { scoring: { persons, label } }: PoseTarget): Sketches {
  const counted = persons.filter(isCounted)
  const similarities = counted.map((person) => (pose ? poseSimilarity(person, pose.keypoints) : 0))
  const score = similarities.length === 0 ? undefined : Math.max(...similarities)
  const shown = pose ? counted.filter((_, i) => similarities[i] === score).slice(0, 1) : counted
  return {
    score,
    truth: { type: 'objects', objects: shown.map((person) => truePerson(person, label)) },
    prediction: { type: 'objects', objects: pose ? [{ ...pose, label }] : [] },
  }
}

function truePerson({ box, keypoints }: TruePerson, label: number): SketchedObject {
  return { label, box, keypoints }
}
