/** The boxes of persons that a detector found, from its results file in COCO's format. */
import { CocoRecord } from '../../data/coco/fields.ts'
import { openRegular } from '../../data/regular-file.ts'
import { statIfThere } from '../../data/unreadable.ts'
import { DownpourError } from '../../support/errors.ts'
import { readJsonArrays, WHOLE_FILE } from '../../support/json-arrays.ts'
import type { Box } from './crop.ts'

export interface PersonBox {
  readonly box: Box
  readonly score: number
}

/** Boxes by the id of their image. */
export type PersonBoxes = ReadonlyMap<string, readonly PersonBox[]>

export interface PersonBoxOptions {
  /** Id of the category of persons. Boxes of other categories are left out. */
  readonly category: number
  /** Ids that the file may have; undefined: any. */
  readonly images: ReadonlySet<string> | undefined
}

/**
 * @throws DownpourError DATA_MISSING, DATA_UNREADABLE, JSON_INVALID; COCO_INVALID: file, place, image, field and value;
 * DATA_EMPTY: no box of a person
 */
export async function readPersonBoxes(file: string, { category, images }: PersonBoxOptions): Promise<PersonBoxes> {
  const boxes = new Map<string, PersonBox[]>()
  const visit = (value: unknown, place: number) => {
    const record = new CocoRecord(value, `${file}: [${place}]`, 'image_id')
    const image = String(record.id('image_id'))
    if (images && !images.has(image)) record.fail('image_id', 'the id of an image of the evaluation data')
    const found = { box: record.box('bbox') as Box, score: record.number('score') }
    if (record.id('category_id') !== category) return
    boxes.set(image, [...(boxes.get(image) ?? []), found])
  }
  await mustBeReadable(file)
  const arrays = await readJsonArrays(file, { [WHOLE_FILE]: visit })
  if (!arrays.has(WHOLE_FILE)) {
    const expected = '[{ image_id, category_id, bbox, score }, …]'
    throw new DownpourError('COCO_INVALID', `${file}: expected an array of results, ${expected}`)
  }
  if (boxes.size > 0) return boxes
  throw new DownpourError('DATA_EMPTY', `${file}: has no box of category ${category}, that of persons`, { category })
}

/** A stream that cannot be opened has Node's error, which counts as a crash. */
async function mustBeReadable(file: string): Promise<void> {
  if (await statIfThere(file)) return (await openRegular(file)).close()
  const expected = 'the results file of a detector, relative to the path of spec.evaluation.data'
  throw new DownpourError('DATA_MISSING', `${file}: no such file; spec.input.personBoxes names ${expected}`, { file })
}
