/** Counts the pixels of each class in the masks of a data set. */
import { VOID } from '../../scores/mean-iou.ts'
import type { LabelMap } from '../labels.ts'
import type { Mask } from '../voc/mask.ts'

const VALUES = 256

export class MaskCount {
  images = 0
  voidPixels = 0
  /** Pixels of each class, and images that have one. */
  readonly pixels: number[]
  readonly imagesWith: number[]

  constructor(labels: LabelMap) {
    this.pixels = new Array<number>(labels.size).fill(0)
    this.imagesWith = new Array<number>(labels.size).fill(0)
  }

  /** @returns a class that is not in the map; nothing is counted then */
  add({ classes }: Mask): number | undefined {
    const found = new Float64Array(VALUES)
    for (const one of classes) found[one] = (found[one] as number) + 1
    const unknown = found.findIndex((count, value) => count > 0 && value !== VOID && value >= this.pixels.length)
    if (unknown >= 0) return unknown
    this.images++
    this.voidPixels += found[VOID] as number
    for (const label of this.pixels.keys()) {
      this.pixels[label] = (this.pixels[label] as number) + (found[label] as number)
      this.imagesWith[label] = (this.imagesWith[label] as number) + Number((found[label] as number) > 0)
    }
  }
}
