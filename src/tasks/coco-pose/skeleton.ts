/** The keypoints of COCO, and the class of a data set that has them. */
import type { Label } from '../../data/labels.ts'
import { DownpourError } from '../../support/errors.ts'
import { shownValue } from '../../support/shown.ts'

const PARTS = ['eye', 'ear', 'shoulder', 'elbow', 'wrist', 'hip', 'knee', 'ankle']

/** In COCO's order, which is that of its σ. */
export const KEYPOINTS: readonly string[] = ['nose', ...PARTS.flatMap((part) => [`left_${part}`, `right_${part}`])]

/** Keypoint i of a mirrored person is keypoint MIRRORED[i] of the person. */
export const MIRRORED: readonly number[] = KEYPOINTS.map((name) => KEYPOINTS.indexOf(mirroredName(name)))

function mirroredName(name: string): string {
  if (name.startsWith('left_')) return name.replace('left_', 'right_')
  return name.replace('right_', 'left_')
}

export interface Person {
  /** Label of the persons. Objects of other classes are not used. */
  readonly label: number
  /** Place in the data of each of COCO's keypoints. */
  readonly order: readonly number[]
}

/**
 * The class with keypoints. Its keypoints must have the names of COCO's, in any order.
 * @throws DownpourError DATA_KEYPOINTS
 */
export function findPerson(labels: readonly Label[]): Person {
  const [found, ...others] = labels.filter(({ keypoints }) => keypoints !== undefined && keypoints.length > 0)
  if (found?.keypoints === undefined) {
    const message = `none of its ${labels.length} classes has names of keypoints; task coco-pose needs them in categories, as person_keypoints_train2017.json has them, or in the label map`
    throw new DownpourError('DATA_KEYPOINTS', message)
  }
  if (others.length > 0) {
    const names = shownValue([found, ...others].map(({ name }) => name))
    throw new DownpourError('DATA_KEYPOINTS', `the classes ${names} have keypoints; task coco-pose learns those of one`)
  }
  return { label: found.id, order: orderOf(found.keypoints, found.name) }
}

function orderOf(names: readonly string[], className: string): number[] {
  const place = new Map(names.map((name, i) => [name, i]))
  const missing = KEYPOINTS.filter((name) => !place.has(name))
  if (missing.length === 0 && names.length === KEYPOINTS.length)
    return KEYPOINTS.map((name) => place.get(name) as number)
  const unknown = names.filter((name, i) => !KEYPOINTS.includes(name) || place.get(name) !== i)
  const message = `class ${shownValue(className)} has ${names.length} keypoints; task coco-pose learns COCO's 17, and of these it lacks ${shownValue(missing)}, and it has the others ${shownValue(unknown)}`
  throw new DownpourError('DATA_KEYPOINTS', message, { missing, unknown })
}
