/** Objects and detections of all scored images in the columns that COCO's metrics work on: eighty bytes each, and no objects. */
import type { Detections, Truths } from '../../scores/coco/annotations.ts'
import { NumberColumn } from '../../support/columns.ts'
import { type Found, MOST_DETECTIONS } from '../detection/found.ts'
import type { TrueObjects } from '../detection/target.ts'

export class TruthColumns {
  readonly #images = new NumberColumn()
  readonly #categories = new NumberColumn()
  readonly #boxes = new NumberColumn()
  readonly #areas = new NumberColumn()
  readonly #crowds = new NumberColumn()

  add({ boxes, labels, areas, crowds }: TrueObjects, image: number): void {
    for (const label of labels) {
      this.#images.push(image)
      this.#categories.push(label)
    }
    for (const edge of boxes) this.#boxes.push(edge)
    for (const area of areas) this.#areas.push(area)
    for (const crowd of crowds) this.#crowds.push(crowd)
  }

  /** That objects have. */
  labels(): number[] {
    return [...new Set(this.#categories.values())]
  }

  values(): Truths {
    const { count } = this.#images
    const crowds = Uint8Array.from(this.#crowds.values())
    return {
      count,
      images: this.#images.values(),
      categories: this.#categories.values(),
      boxes: this.#boxes.values(),
      areas: this.#areas.values(),
      // Not from 0: an object with the id 0 is never found, as in pycocotools.
      ids: Float64Array.from({ length: count }, (_, i) => i + 1),
      crowds,
      ignored: crowds,
    }
  }
}

export class DetectionColumns {
  readonly #images = new NumberColumn()
  readonly #categories = new NumberColumn()
  readonly #boxes = new NumberColumn()
  readonly #areas = new NumberColumn()
  readonly #scores = new NumberColumn()

  /** The best of one image. */
  add({ boxes, labels, scores }: Found, image: number): void {
    const count = Math.min(scores.length, MOST_DETECTIONS)
    for (let i = 0; i < count; i++) {
      const [x, y, width, height] = boxes.subarray(4 * i, 4 * i + 4) as unknown as [number, number, number, number]
      this.#images.push(image)
      this.#categories.push(labels[i] as number)
      this.#boxes.push(x, y, width, height)
      this.#areas.push(width * height)
      this.#scores.push(scores[i] as number)
    }
  }

  values(): Detections {
    return {
      count: this.#images.count,
      images: this.#images.values(),
      categories: this.#categories.values(),
      boxes: this.#boxes.values(),
      areas: this.#areas.values(),
      scores: this.#scores.values(),
    }
  }
}
