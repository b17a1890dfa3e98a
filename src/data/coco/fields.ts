/** Checks the fields of a record in a COCO file. An error names the file, the record with its id, the field and the value. */
import { DownpourError } from '../../support/errors.ts'
import { shownValue } from '../../support/shown.ts'

/** An element of an array of the file. @throws DownpourError COCO_INVALID if it is not an object */
export function recordAt(file: string, key: string, place: number, value: unknown): CocoRecord {
  return new CocoRecord(value, `${file}: ${key}[${place}]`)
}

export class CocoRecord {
  readonly #fields: Readonly<Record<string, unknown>>
  readonly #place: string
  readonly #key: string

  /**
   * @param where file and place, for messages
   * @param key the field that messages show beside the place
   * @throws DownpourError COCO_INVALID if the value is not an object
   */
  constructor(value: unknown, where: string, key = 'id') {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new DownpourError('COCO_INVALID', `${where}: ${shownValue(value)}: expected an object`)
    }
    this.#fields = value as Record<string, unknown>
    this.#place = where
    this.#key = key
  }

  /** Composed for a message alone: a file has a million records. */
  get #where(): string {
    const id = this.#fields[this.#key]
    return id === undefined ? this.#place : `${this.#place} (${this.#key} ${shownValue(id)})`
  }

  has(field: string): boolean {
    return Object.hasOwn(this.#fields, field)
  }

  number(field: string): number {
    const value = this.#own(field)
    return isNumber(value) ? value : this.#fail(field, value, 'a number')
  }

  id(field: string): number {
    const value = this.#own(field)
    return Number.isSafeInteger(value) ? (value as number) : this.#fail(field, value, 'a whole number')
  }

  /** 0 or 1, which Python also writes as false or true. */
  flag(field: string): 0 | 1 {
    const value = this.#own(field)
    if (value === 0 || value === false) return 0
    return value === 1 || value === true ? 1 : this.#fail(field, value, '0 or 1')
  }

  text(field: string): string {
    const value = this.#own(field)
    return typeof value === 'string' ? value : this.#fail(field, value, 'a string')
  }

  /** x, y, width and height, in pixels. */
  box(field: string): readonly number[] {
    const value = this.numbers(field, 4)
    const isBox = (value[2] as number) >= 0 && (value[3] as number) >= 0
    return isBox ? value : this.#fail(field, value, '[x, y, width, height] with a width and height of 0 or more')
  }

  /** x, y and visibility of each. @param count absent: any */
  keypoints(count?: number): readonly number[] {
    const value = this.#own('keypoints')
    const isRight = Array.isArray(value) && value.length > 0 && value.length % 3 === 0 && value.every(isNumber)
    if (isRight && (count === undefined || value.length === count * 3)) return value
    const found = Array.isArray(value) && value.every(isNumber) ? `${value.length} numbers` : shown(value)
    const expected =
      count === undefined ? 'three numbers for each keypoint' : `${count * 3}, three for each of ${count} keypoints`
    return this.#failShown('keypoints', found, value, expected)
  }

  numbers(field: string, length: number): readonly number[] {
    const value = this.#own(field)
    const isRight = Array.isArray(value) && value.length === length && value.every(isNumber)
    return isRight ? (value as number[]) : this.#fail(field, value, `${length} numbers`)
  }

  /** @throws DownpourError COCO_INVALID if the record lacks the field */
  value(field: string): unknown {
    return this.has(field) ? this.#fields[field] : this.#fail(field, undefined, 'a value')
  }

  /** @throws DownpourError always */
  fail(field: string, expected: string): never {
    return this.#fail(field, this.#fields[field], expected)
  }

  #own(field: string): unknown {
    return this.has(field) ? this.#fields[field] : undefined
  }

  #fail(field: string, value: unknown, expected: string): never {
    return this.#failShown(field, shown(value), value, expected)
  }

  #failShown(field: string, found: string, value: unknown, expected: string): never {
    throw new DownpourError('COCO_INVALID', `${this.#where}: ${field}: ${found}: expected ${expected}`, {
      field,
      value,
    })
  }
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value)
}

function shown(value: unknown): string {
  return value === undefined ? 'missing' : shownValue(value)
}
