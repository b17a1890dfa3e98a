/**
 * Reads labels of images as JSON lines. Ground truth: { "image_id", "labels" }. Predictions: { "image_id" } with "scores", one
 * for each label, or with "labels", the most likely first.
 */
import { DownpourError, errorMessage } from '../../support/errors.ts'
import { notANumber, type ReadOptions } from '../../support/json-arrays.ts'
import { readLines } from '../../support/lines.ts'
import { shownValue } from '../../support/shown.ts'

export type ImageId = string | number

export type Prediction = { readonly image: ImageId } & (
  | { readonly type: 'scores'; readonly scores: readonly number[] }
  | { readonly type: 'ranking'; readonly labels: readonly number[] }
)

export interface JsonLinesOptions extends ReadOptions {
  /** How many labels there are; undefined: not known. */
  readonly labels?: number | undefined
}

/** @returns the labels of each image. @throws DownpourError JSON_LINES_INVALID; Node's error when the file cannot be read */
export async function readLabelsOfImages(file: string, options: JsonLinesOptions): Promise<Map<ImageId, number[]>> {
  const images = new Map<ImageId, number[]>()
  for await (const line of linesOf(file, options)) {
    const image = line.imageId()
    if (images.has(image)) line.fail('image_id', 'an image that no line before names')
    images.set(image, line.labels(options.labels))
  }
  return images
}

/**
 * One at a time, because each may have a score for every label.
 * @param images those of the ground truth
 * @throws DownpourError JSON_LINES_INVALID; Node's error when the file cannot be read
 */
export async function* readPredictions(
  file: string,
  images: ReadonlyMap<ImageId, unknown>,
  options: JsonLinesOptions,
): AsyncGenerator<Prediction> {
  const seen = new Set<ImageId>()
  let count = options.labels
  for await (const line of linesOf(file, options)) {
    const image = line.imageId()
    if (!images.has(image)) line.fail('image_id', 'an image of the ground truth')
    if (seen.has(image)) line.fail('image_id', 'an image that no line before names')
    seen.add(image)
    if (line.has('scores')) {
      const scores = line.scores(count)
      count ??= scores.length
      yield { image, type: 'scores', scores }
    } else yield { image, type: 'ranking', labels: line.labels(count) }
  }
}

async function* linesOf(file: string, options: ReadOptions): AsyncGenerator<Line> {
  let number = 0
  for await (const text of readLines(file, options)) {
    number++
    if (text.trim() !== '') yield new Line(text, `${file}: line ${number}`)
  }
}

class Line {
  readonly #fields: Readonly<Record<string, unknown>>
  readonly #where: string

  constructor(text: string, where: string) {
    this.#where = where
    const value = this.#parse(text)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw this.#invalid(`${shownValue(value)}: expected an object`)
    }
    this.#fields = value as Record<string, unknown>
    const { image_id } = this.#fields
    if (image_id !== undefined) this.#where = `${where} (image_id ${shownValue(image_id)})`
  }

  has(field: string): boolean {
    return Object.hasOwn(this.#fields, field)
  }

  imageId(): ImageId {
    const id = this.#fields.image_id
    return typeof id === 'string' || Number.isSafeInteger(id)
      ? (id as ImageId)
      : this.fail('image_id', 'text or a number')
  }

  /** Label ids, each once. @param count undefined: any */
  labels(count: number | undefined): number[] {
    const labels = this.#fields.labels
    const largest = (count ?? Number.POSITIVE_INFINITY) - 1
    const isLabel = (label: unknown) =>
      Number.isSafeInteger(label) && (label as number) >= 0 && (label as number) <= largest
    const range = count === undefined ? 'from 0' : `from 0 to ${largest}`
    if (!Array.isArray(labels)) return this.fail('labels', `a list of label ids ${range}`)
    const wrong = labels.findIndex((label) => !isLabel(label))
    if (wrong >= 0) return this.fail(`labels[${wrong}]`, `a label id ${range}`, labels[wrong])
    if (new Set(labels).size < labels.length) return this.fail('labels', 'each label once', labels)
    return labels
  }

  /** @param count undefined: any */
  scores(count: number | undefined): readonly number[] {
    const scores = this.#fields.scores
    if (!Array.isArray(scores)) return this.fail('scores', 'a list of numbers')
    const wrong = scores.findIndex((score) => typeof score !== 'number' || !Number.isFinite(score))
    if (wrong >= 0) return this.fail(`scores[${wrong}]`, 'a number', scores[wrong])
    if (count === undefined || scores.length === count) return scores
    throw this.#invalid(`scores: ${scores.length} numbers: expected ${count}, one for each label`)
  }

  /** @throws DownpourError always */
  fail(field: string, expected: string, value: unknown = this.#fields[field]): never {
    throw this.#invalid(`${field}: ${value === undefined ? 'missing' : shownValue(value)}: expected ${expected}`)
  }

  #parse(text: string): unknown {
    try {
      return JSON.parse(text)
    } catch (error) {
      throw this.#invalid(notANumber(text) ?? errorMessage(error))
    }
  }

  #invalid(problem: string): DownpourError {
    return new DownpourError('JSON_LINES_INVALID', `${this.#where}: ${problem}`)
  }
}
