/**
 * The perceptual method: remembers the pictures of the test set, and finds which of them a training picture is a copy of.
 * Either of the two may be the cropped one.
 */
import { differenceAfterAlignment } from './align.ts'
import { contrastOf, drawGrid, type Scale, valuesOf } from './grid.ts'
import { hashesOf } from './hash.ts'
import { HashIndex } from './hash-index.ts'
import type { Match } from './method.ts'
import { type Planes, planesOf, type Rectangle, type Thumbnail, WHOLE } from './planes.ts'
import { WINDOWS } from './windows.ts'

/** A rectangle that the hashes say may match. */
interface Start {
  readonly bits: number
  readonly area: Rectangle
  readonly mirrored: boolean
  /** Which of the two shows at least as much as the other. */
  readonly whole: 'test' | 'training'
}

/** Below this contrast, in grey levels, pictures have nothing to compare: blank pages, black frames. */
const LEAST_CONTRAST = 2
const CONTRAST_SCALE: Scale = { cells: 12, blurs: 1 }
/** Starts that are tried for a pair, those with the fewest different bits first. */
const STARTS_PER_PAIR = 6
/** Test pictures that a training picture is aligned with, those with the fewest different bits first. */
const MOST_PAIRS = 256
const AREAS = [WHOLE, ...WINDOWS]

export class CopyIndex {
  readonly #threshold: number
  readonly #thumbnails: Thumbnail[] = []
  /** Hashes of the whole picture; entry i belongs to picture i. */
  readonly #wholes = new HashIndex()
  /** Hashes of each area of a picture and of their mirror images, in the order of AREAS. */
  readonly #areas = new HashIndex()
  readonly #plain = new Set<number>()

  /** @param threshold greatest distance of a copy */
  constructor(threshold: number) {
    this.#threshold = threshold
  }

  /** How many test pictures have too little contrast to be compared. */
  get plain(): number {
    return this.#plain.size
  }

  /** All pictures must be added before the first search. */
  add(thumbnail: Thumbnail): void {
    const planes = planesOf(thumbnail)
    if (isPlain(planes)) this.#plain.add(this.#thumbnails.length)
    this.#thumbnails.push(thumbnail)
    for (const [i, area] of AREAS.entries()) {
      const hashes = hashesOf(planes, area)
      if (i === 0) this.#wholes.add(hashes[0])
      for (const hash of hashes) this.#areas.add(hash)
    }
  }

  /** @returns the test pictures that this is a copy of; none for a picture without contrast */
  find(thumbnail: Thumbnail): Match[] {
    const planes = planesOf(thumbnail)
    if (isPlain(planes)) return []
    const candidates = [...this.#startsOf(planes)]
      .map(([test, starts]) => ({ test, starts: starts.sort((a, b) => a.bits - b.bits) }))
      .sort((a, b) => (a.starts[0] as Start).bits - (b.starts[0] as Start).bits)
    return candidates.slice(0, MOST_PAIRS).flatMap(({ test, starts }) => {
      const distance = this.#distance(planes, test, starts)
      return distance <= this.#threshold ? [{ test, distance }] : []
    })
  }

  #startsOf(planes: Planes): Map<number, Start[]> {
    const starts = new Map<number, Start[]>()
    const add = (test: number, start: Start) => {
      if (this.#plain.has(test)) return
      const known = starts.get(test)
      if (known) known.push(start)
      else starts.set(test, [start])
    }
    this.#areas.search(hashesOf(planes, WHOLE)[0], (entry, bits) => {
      const [test, place] = [Math.floor(entry / (2 * AREAS.length)), entry % (2 * AREAS.length)]
      add(test, { bits, area: AREAS[place >> 1] as Rectangle, mirrored: (place & 1) === 1, whole: 'test' })
    })
    for (const area of WINDOWS)
      for (const [i, hash] of hashesOf(planes, area).entries())
        this.#wholes.search(hash, (test, bits) => add(test, { bits, area, mirrored: i === 1, whole: 'training' }))
    return starts
  }

  #distance(training: Planes, test: number, starts: readonly Start[]): number {
    const other = planesOf(this.#thumbnails[test] as Thumbnail)
    const pixels = Math.min(training.resolution, other.resolution)
    let least = Number.POSITIVE_INFINITY
    for (const { area, mirrored, whole } of starts.slice(0, STARTS_PER_PAIR)) {
      const pair = whole === 'test' ? { whole: other, part: training } : { whole: training, part: other }
      least = Math.min(least, differenceAfterAlignment({ ...pair, area, mirrored }) * certaintyOf(pixels))
      if (least <= this.#threshold) break
    }
    return least
  }
}

/** A picture of few pixels loses more of its detail by encoding, so the same difference says less. */
function certaintyOf(pixels: number): number {
  return 1 / (1 + 25 / pixels)
}

const grid = new Float64Array(valuesOf(CONTRAST_SCALE))

function isPlain(planes: Planes): boolean {
  drawGrid(planes, WHOLE, CONTRAST_SCALE, grid)
  return contrastOf(grid, CONTRAST_SCALE) < LEAST_CONTRAST
}
