/** The keypoints of COCO, and the class of a data set that has them. */
import type { Label } from '../../data/labels.ts'
import { DownpourError } from '../../support/errors.ts'
import { shownValue } from '../../support/shown.ts'

/** The id of persons in COCO, for labels without one. */
const COCO_PERSON = 1
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
  /** Id of the category in files of COCO. */
  readonly category: number
  /** Place in the data of each of COCO's keypoints. */
  readonly order: readonly number[]
}

/**
 * The class with keypoints. Its keypoints must have the names of COCO's, in any order.
 * @param where the data set, for messages
 * @throws DownpourError DATA_KEYPOINTS
 */
export function findPerson(labels: readonly Label[], where: string): Person {
  const [found, ...others] = labels.filter(({ keypoints }) => keypoints !== undefined && keypoints.length > 0)
  if (found?.keypoints === undefined) {
    const message = `${where}: none of its ${labels.length} classes has names of keypoints; task coco-pose needs them in categories, as person_keypoints_train2017.json has them, or in the label map`
    throw new DownpourError('DATA_KEYPOINTS', message)
  }
  if (others.length > 0) {
    const names = shownValue([found, ...others].map(({ name }) => name))
    throw new DownpourError(
      'DATA_KEYPOINTS',
      `${where}: the classes ${names} have keypoints; task coco-pose learns those of one`,
    )
  }
  const { id: label, categoryId: category = COCO_PERSON } = found
  return { label, category, order: orderOf(found.keypoints, `${where}: class ${shownValue(found.name)}`) }
}

function orderOf(names: readonly string[], what: string): number[] {
  const place = new Map(names.map((name, i) => [name, i]))
  const missing = KEYPOINTS.filter((name) => !place.has(name))
  if (missing.length === 0 && names.length === KEYPOINTS.length)
    return KEYPOINTS.map((name) => place.get(name) as number)
  const unknown = names.filter((name, i) => !KEYPOINTS.includes(name) || place.get(name) !== i)
  const message = `${what} has ${names.length} keypoints; task coco-pose learns COCO's 17, and of these it lacks ${shownValue(missing)}, and it has the others ${shownValue(unknown)}`
  throw new DownpourError('DATA_KEYPOINTS', message, { missing, unknown })
}
