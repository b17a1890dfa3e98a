/** COCO's keypoint scores of all persons in all pictures, over plain arrays. */
import { type CocoDetection, type CocoObject, cocoKeypoints, poseSimilarity } from '../../scores/index.ts'
import { DownpourError } from '../../support/errors.ts'
import type { Scorer } from '../task.ts'
import { isCounted, type Pose, type TruePerson } from './pose.ts'
import { suppress } from './suppress.ts'
import type { PoseTarget } from './target.ts'

interface ScoredImage {
  readonly persons: readonly TruePerson[]
  readonly poses: Pose[]
}

const PERSON = 1

/**
 * AP, AP@.5 and AR of COCO, and the mean over persons of the OKS of the best pose in the picture.
 * @throws DownpourError DATA_NO_OBJECTS from `result` without a person that counts: average precision is not defined then
 */
export function createScorer(): Scorer<PoseTarget, Pose | undefined> {
  const images = new Map<string, ScoredImage>()
  return {
    add(predictions, targets) {
      targets.forEach(({ scoring: { image, persons } }, i) => {
        const scored = images.get(image) ?? { persons, poses: [] }
        images.set(image, scored)
        const pose = predictions[i]
        if (pose) scored.poses.push(pose)
      })
    },
    result() {
      const scored = [...images.values()].map(({ persons, poses }) => ({ persons, poses: suppress(poses) }))
      mustHavePersons(scored)
      const { AP = 0, AP50 = 0, AR = 0 } = cocoScores(scored)
      return { AP, 'AP@.5': AP50, AR, meanOKS: meanSimilarity(scored) }
    },
  }
}

function mustHavePersons(images: readonly ScoredImage[]): void {
  if (images.some(({ persons }) => persons.some(isCounted))) return
  const message = `none of the ${images.length} scored images has a person with labelled keypoints, so average precision is not defined; crowds do not count`
  throw new DownpourError('DATA_NO_OBJECTS', message, { images: images.length })
}

function cocoScores(images: readonly ScoredImage[]) {
  const place = (image: number) => ({ image_id: image, category_id: PERSON })
  const annotations = images.flatMap(({ persons }, image): CocoObject[] =>
    persons.map(({ box, area, isCrowd, keypoints }) => ({
      ...place(image),
      bbox: box,
      area,
      iscrowd: isCrowd,
      keypoints,
    })),
  )
  const detections = images.flatMap(({ poses }, image): CocoDetection[] =>
    poses.map(({ keypoints, score }) => ({ ...place(image), keypoints, score })),
  )
  const ids = Array.from(images, (_, id) => ({ id }))
  return cocoKeypoints({ images: ids, categories: [{ id: PERSON }], annotations, detections }).summary
}

function meanSimilarity(images: readonly ScoredImage[]): number {
  const best = images.flatMap(({ persons, poses }) => persons.filter(isCounted).map((person) => bestOf(person, poses)))
  return best.reduce((sum, similarity) => sum + similarity, 0) / best.length
}

function bestOf(person: TruePerson, poses: readonly Pose[]): number {
  return poses.reduce((best, { keypoints }) => Math.max(best, poseSimilarity(person, keypoints)), 0)
}
