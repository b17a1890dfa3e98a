/** Reads the objects of a COCO annotation file (instances_*.json, person_keypoints_*.json) for scoring. */
import type { Truths } from '../../scores/coco/annotations.ts'
import { NumberColumn } from '../../support/columns.ts'
import { DownpourError } from '../../support/errors.ts'
import { type ReadOptions, readJsonArrays, type Visit } from '../../support/json-arrays.ts'
import { type CocoRecord, recordAt } from './fields.ts'

export interface CocoCategory {
  readonly id: number
  readonly name: string
}

export interface CocoTruth {
  readonly file: string
  readonly images: readonly number[]
  readonly categories: readonly CocoCategory[]
  readonly truths: Truths
}

export interface TruthOptions extends ReadOptions {
  /** Keypoints of an object, which the file must then have. 0: boxes alone. */
  readonly keypoints: number
}

/**
 * Boxes may reach beyond their image and areas may be 0, as pycocotools takes them.
 * @throws DownpourError JSON_INVALID, COCO_INVALID
 */
export async function readTruth(file: string, options: TruthOptions): Promise<CocoTruth> {
  const reader = new TruthReader(file, options.keypoints)
  const found = await readJsonArrays(file, reader.visits, options)
  for (const key of ['images', 'categories', 'annotations']) {
    if (found.has(key)) continue
    const expected = 'an object with the arrays images, categories and annotations, as instances_val2017.json has them'
    throw new DownpourError('COCO_INVALID', `${file}: ${key}: missing: expected ${expected}`, { file, field: key })
  }
  return reader.result()
}

class TruthReader {
  readonly #file: string
  readonly #keypointCount: number
  readonly #images = new Set<number>()
  readonly #categories = new Map<number, CocoCategory>()
  readonly #annotationIds = new Set<number>()
  readonly #columns = {
    ids: new NumberColumn(),
    images: new NumberColumn(),
    categories: new NumberColumn(),
    boxes: new NumberColumn(),
    areas: new NumberColumn(),
    crowds: new NumberColumn(),
    ignored: new NumberColumn(),
    keypoints: new NumberColumn(),
  }

  constructor(file: string, keypoints: number) {
    this.#file = file
    this.#keypointCount = keypoints
  }

  readonly visits: Readonly<Record<string, Visit>> = {
    images: (value, place) => {
      const image = recordAt(this.#file, 'images', place, value)
      unique(this.#images, image)
    },
    categories: (value, place) => {
      const category = recordAt(this.#file, 'categories', place, value)
      const id = category.id('id')
      if (this.#categories.has(id)) category.fail('id', 'an id of its own')
      this.#categories.set(id, { id, name: category.text('name') })
    },
    annotations: (value, place) => this.#add(recordAt(this.#file, 'annotations', place, value)),
  }

  /** Images and categories may stand behind the annotations, so references are checked at the end. */
  result(): CocoTruth {
    const { keypoints, crowds, ignored, ...columns } = this.#columns
    const values = mapColumns(columns)
    this.#checkReferences(values)
    const truths = {
      count: values.ids.length,
      ...values,
      crowds: Uint8Array.from(crowds.values()),
      ignored: Uint8Array.from(ignored.values()),
      ...(this.#keypointCount > 0 ? { keypoints: keypoints.values() } : {}),
    }
    return { file: this.#file, images: [...this.#images], categories: [...this.#categories.values()], truths }
  }

  #add(annotation: CocoRecord): void {
    const columns = this.#columns
    unique(this.#annotationIds, annotation)
    columns.ids.push(annotation.id('id'))
    columns.images.push(annotation.id('image_id'))
    columns.categories.push(annotation.id('category_id'))
    columns.boxes.push(...annotation.box('bbox'))
    columns.areas.push(annotation.number('area'))
    const crowd = annotation.flag('iscrowd')
    columns.crowds.push(crowd)
    const isUnlabelled = this.#keypointCount > 0 && annotation.number('num_keypoints') === 0
    columns.ignored.push(crowd === 1 || isUnlabelled ? 1 : 0)
    if (this.#keypointCount > 0) columns.keypoints.push(...annotation.keypoints(this.#keypointCount))
  }

  #checkReferences({ ids, images, categories }: Pick<Truths, 'ids' | 'images' | 'categories'>): void {
    ids.forEach((id, row) => {
      const fail = (field: string, value: number | undefined, key: string): never => {
        const where = `${this.#file}: annotations[${row}] (id ${id})`
        throw new DownpourError('COCO_INVALID', `${where}: ${field}: ${value}: expected an id of ${key}`, {
          field,
          value,
        })
      }
      if (!this.#images.has(images[row] as number)) fail('image_id', images[row], 'images')
      if (!this.#categories.has(categories[row] as number)) fail('category_id', categories[row], 'categories')
    })
  }
}

function unique(ids: Set<number>, record: CocoRecord): void {
  const id = record.id('id')
  if (ids.has(id)) record.fail('id', 'an id of its own')
  ids.add(id)
}

function mapColumns<K extends string>(columns: Record<K, NumberColumn>): Record<K, Float64Array> {
  const entries = Object.entries<NumberColumn>(columns).map(([name, column]) => [name, column.values()])
  return Object.fromEntries(entries)
}
