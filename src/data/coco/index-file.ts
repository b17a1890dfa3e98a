/**
 * Reads a COCO annotations file once from end to end and keeps where each annotation is. The annotations themselves
 * stay in the file: those of COCO's training set take 450 MB.
 */
import { stat } from 'node:fs/promises'
import { isAbsolute, normalize } from 'node:path'
import { NumberColumn } from '../../support/columns.ts'
import { DownpourError, errorCode, errorMessage } from '../../support/errors.ts'
import { type ReadOptions, readJsonArrays, type Visit } from '../../support/json-arrays.ts'
import { openRegular } from '../regular-file.ts'
import { type Category, categoryOf } from './category.ts'
import { type CocoRecord, recordAt } from './fields.ts'

export interface CocoImage {
  readonly id: number
  readonly fileName: string
  readonly width: number
  readonly height: number
}

/** Where annotations begin and end in the file, in the order of the file. */
export interface Places {
  readonly starts: Float64Array
  readonly ends: Float64Array
}

export interface CocoIndex {
  readonly file: string
  /** Differs when the file was written again. */
  readonly version: string
  readonly categories: readonly Category[]
  readonly images: readonly CocoImage[]
  readonly places: Places
  /** The numbers of the annotations of an image, in the order of the file. @param image index into `images` */
  annotationsOf(image: number): Uint32Array
  /** Whether an annotation before this one has the same id. */
  isRepeated(annotation: number): boolean
  /** Annotations that belong to no image of the file, and why. */
  readonly strays: readonly string[]
}

/**
 * An annotation with a wrong field is found when its image is read; one without a usable id or image is a stray.
 * @throws DownpourError JSON_INVALID; COCO_INVALID for a wrong image or category; DATA_UNREADABLE
 */
export async function indexCocoFile(file: string, options: ReadOptions = {}): Promise<CocoIndex> {
  const version = await versionOf(file)
  const reader = new IndexReader(file, version)
  const found = await readJsonArrays(file, reader.visits, options)
  for (const key of Object.keys(reader.visits)) {
    if (!found.has(key)) throw new DownpourError('COCO_INVALID', `${file}: ${key}: missing: expected an array`)
  }
  return reader.result()
}

/** Changes when the file is written. @throws DownpourError DATA_UNREADABLE */
export async function versionOf(file: string): Promise<string> {
  await (await openRegular(file)).close()
  const { size, mtimeMs } = await stat(file)
  return `${size} ${mtimeMs}`
}

class IndexReader {
  readonly #file: string
  readonly #version: string
  readonly #images: CocoImage[] = []
  readonly #imageById = new Map<number, number>()
  readonly #categories: Category[] = []
  readonly #annotationIds = new Set<number>()
  readonly #repeated = new Set<number>()
  readonly #strays: string[] = []
  readonly #imageIds = new NumberColumn()
  readonly #starts = new NumberColumn()
  readonly #ends = new NumberColumn()

  constructor(file: string, version: string) {
    this.#file = file
    this.#version = version
  }

  readonly visits: Readonly<Record<string, Visit>> = {
    images: (value, place) => {
      const image = imageOf(recordAt(this.#file, 'images', place, value), this.#imageById)
      this.#imageById.set(image.id, this.#images.push(image) - 1)
    },
    categories: (value, place) => this.#addCategory(recordAt(this.#file, 'categories', place, value)),
    annotations: (value, place, start, end) => {
      this.#starts.push(start)
      this.#ends.push(end)
      this.#imageIds.push(this.#imageIdOf(value, place))
    },
  }

  result(): CocoIndex {
    if (this.#categories.length === 0) {
      throw new DownpourError('COCO_INVALID', `${this.#file}: categories: expected one category or more`)
    }
    const owners = this.#owners()
    return {
      file: this.#file,
      version: this.#version,
      categories: this.#categories,
      images: this.#images,
      places: { starts: this.#starts.values(), ends: this.#ends.values() },
      annotationsOf: grouped(owners, this.#images.length),
      isRepeated: (annotation) => this.#repeated.has(annotation),
      strays: this.#strays,
    }
  }

  #addCategory(record: CocoRecord): void {
    const category = categoryOf(record)
    if (this.#categories.some(({ id }) => id === category.id)) record.fail('id', 'an id of its own')
    if (this.#categories.some(({ name }) => name === category.name)) record.fail('name', 'a name of its own')
    this.#categories.push(category)
  }

  /** @returns NaN for an annotation without a usable id */
  #imageIdOf(value: unknown, place: number): number {
    try {
      const record = recordAt(this.#file, 'annotations', place, value)
      const id = record.id('id')
      if (this.#annotationIds.has(id)) this.#repeated.add(place)
      this.#annotationIds.add(id)
      return record.id('image_id')
    } catch (error) {
      if (errorCode(error) !== 'COCO_INVALID') throw error
      this.#strays.push(errorMessage(error))
      return Number.NaN
    }
  }

  /** The index of the image of each annotation, or -1. Images may stand behind the annotations. */
  #owners(): Int32Array {
    const owners = new Int32Array(this.#imageIds.count)
    this.#imageIds.values().forEach((id, annotation) => {
      const image = this.#imageById.get(id) ?? -1
      owners[annotation] = image
      if (image < 0 && !Number.isNaN(id)) {
        this.#strays.push(`${this.#file}: annotations[${annotation}]: image_id: ${id}: expected an id of images`)
      }
    })
    return owners
  }
}

function imageOf(record: CocoRecord, known: ReadonlyMap<number, unknown>): CocoImage {
  const id = record.id('id')
  if (known.has(id)) record.fail('id', 'an id of its own')
  const fileName = record.text('file_name')
  if (!isInside(fileName)) record.fail('file_name', 'a path inside the folder of the pictures')
  return { id, fileName, width: pixels(record, 'width'), height: pixels(record, 'height') }
}

/** No file's name has a zero character, and Node throws for one. */
function isInside(path: string): boolean {
  return path !== '' && !path.includes('\0') && !isAbsolute(path) && normalize(path).split('/')[0] !== '..'
}

function pixels(record: CocoRecord, field: string): number {
  const value = record.id(field)
  return value > 0 ? value : record.fail(field, 'a number of pixels above 0')
}

/** Groups the indices of `owners` by their value, in 4 bytes for each. */
function grouped(owners: Int32Array, groups: number): (group: number) => Uint32Array {
  const ends = new Uint32Array(groups + 1)
  for (const owner of owners) if (owner >= 0) ends[owner + 1] = (ends[owner + 1] as number) + 1
  for (let i = 1; i <= groups; i++) ends[i] = (ends[i] as number) + (ends[i - 1] as number)
  const next = ends.slice()
  const members = new Uint32Array(owners.length)
  owners.forEach((owner, i) => {
    if (owner < 0) return
    members[next[owner] as number] = i
    next[owner] = (next[owner] as number) + 1
  })
  return (group) => members.subarray(ends[group], ends[group + 1])
}
