/** The objects of a VOC annotation as annotations of a picture. */
import { DownpourError } from '../../support/errors.ts'
import { shownValue } from '../../support/shown.ts'
import type { AnnotatedObject, ObjectAnnotation } from '../annotations.ts'
import { similarName, someNames } from '../label-names.ts'
import type { Label } from '../labels.ts'
import type { VocAnnotation } from './annotation.ts'

/**
 * VOC counts pixels from 1 and its boxes include their last pixel: xmin 1 and xmax 10 are 10 pixels from 0. Boxes may reach
 * beyond the picture, and may have fractions, as in VOC2011 and later.
 * @param size of the picture
 * @param where for messages
 * @throws DownpourError VOC_INVALID: a name that is no label
 */
export function objectsOf(
  { objects }: VocAnnotation,
  size: { readonly width: number; readonly height: number },
  labels: readonly Label[],
  where: string,
): ObjectAnnotation {
  const idByName = new Map(labels.map(({ id, name }) => [name.normalize('NFC'), id]))
  const annotated = objects.map(({ name, box: [xmin, ymin, xmax, ymax], difficult, truncated }, i): AnnotatedObject => {
    const label = idByName.get(name) ?? unknown(where, `object.${i}.name: ${shownValue(name)}`, name, labels)
    const [width, height] = [xmax - xmin + 1, ymax - ymin + 1]
    return { box: [xmin - 1, ymin - 1, width, height], label, crowd: false, difficult, truncated, area: width * height }
  })
  return { ...size, objects: annotated }
}

function unknown(where: string, what: string, name: string, labels: readonly Label[]): never {
  const known = someNames(labels.map(({ name }) => name))
  const own = 'a labels.json beside ImageSets names other classes'
  throw new DownpourError(
    'VOC_INVALID',
    `${where}: ${what}: expected one of ${known}${similarName([name], labels)}; ${own}`,
    {
      file: where,
    },
  )
}
