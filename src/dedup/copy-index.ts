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

/** Below this contrast, in grey levels, pictures have nothing to compare: blank pages, black frames. */
const LEAST_CONTRAST = 2
const CONTRAST_SCALE: Scale = { cells: 12, blurs: 1 }
/** Starts that are tried for a pair, those with the fewest different bits first. */
const STARTS_PER_PAIR = 6
/** Test pictures that a training picture is aligned with, those with the fewest different bits first. */
const MOST_PAIRS = 256
const AREAS = [WHOLE, ...WINDOWS]
/**
 * Where to begin an alignment, as one number, because a search finds thousands: the number of different bits, whether the
 * test picture (0) or the training picture (1) shows at least as much as the other, the area of it, and whether it is
 * mirrored. Sorted, the most promising come first.
 */
const PLACES = AREAS.length * 2
const STARTS_PER_BIT = PLACES * 2
/** Test pictures whose sums are kept, because popular pictures are candidates again and again. */
const MOST_PLANES = 512

export class CopyIndex {
  readonly #threshold: number
  readonly #thumbnails: Thumbnail[] = []
  /** The numbers of the test pictures that can be compared; the hashes of the i-th have the numbers i or i · PLACES + place. */
  readonly #comparable: number[] = []
  readonly #wholes = new HashIndex()
  /** Hashes of each area of a picture and of their mirror images, in the order of AREAS. */
  readonly #areas = new HashIndex()
  readonly #planes = new Map<number, Planes>()

  /** @param threshold greatest distance of a copy */
  constructor(threshold: number) {
    this.#threshold = threshold
  }

  /** How many test pictures have too little contrast to be compared. */
  get plain(): number {
    return this.#thumbnails.length - this.#comparable.length
  }

  /** All pictures must be added before the first search. */
  add(thumbnail: Thumbnail): void {
    const planes = planesOf(thumbnail)
    this.#thumbnails.push(thumbnail)
    if (isPlain(planes)) return
    this.#comparable.push(this.#thumbnails.length - 1)
    this.#wholes.add(hashesOf(planes, WHOLE)[0])
    for (const area of AREAS) for (const hash of hashesOf(planes, area)) this.#areas.add(hash)
  }

  /** @returns the test pictures that this is a copy of; none for a picture without contrast */
  find(thumbnail: Thumbnail): Match[] {
    const planes = planesOf(thumbnail)
    if (isPlain(planes)) return []
    const candidates = [...this.#startsOf(planes)].map(([i, starts]) => ({
      test: this.#comparable[i] as number,
      starts: starts.sort((a, b) => a - b).slice(0, STARTS_PER_PAIR),
    }))
    candidates.sort((a, b) => (a.starts[0] as number) - (b.starts[0] as number))
    return candidates.slice(0, MOST_PAIRS).flatMap(({ test, starts }) => {
      const distance = this.#distance(planes, test, starts)
      return distance <= this.#threshold ? [{ test, distance }] : []
    })
  }

  /** @returns starts by the place of the test picture in #comparable */
  #startsOf(planes: Planes): Map<number, number[]> {
    const found = new Map<number, number[]>()
    const add = (picture: number, start: number) => {
      const known = found.get(picture)
      if (known) known.push(start)
      else found.set(picture, [start])
    }
    this.#areas.search(hashesOf(planes, WHOLE)[0], (entry, bits) => {
      add(Math.floor(entry / PLACES), bits * STARTS_PER_BIT + (entry % PLACES))
    })
    for (let i = 1; i < AREAS.length; i++)
      for (const [mirrored, hash] of hashesOf(planes, AREAS[i] as Rectangle).entries())
        this.#wholes.search(hash, (entry, bits) => add(entry, bits * STARTS_PER_BIT + PLACES + 2 * i + mirrored))
    return found
  }

  #distance(training: Planes, test: number, starts: readonly number[]): number {
    const other = this.#planesOf(test)
    const certainty = certaintyOf(Math.min(training.resolution, other.resolution))
    let least = Number.POSITIVE_INFINITY
    for (const start of starts) {
      const place = start % PLACES
      const where = { area: AREAS[place >> 1] as Rectangle, mirrored: (place & 1) === 1 }
      const isTestWhole = start % STARTS_PER_BIT < PLACES
      const pair = isTestWhole ? { whole: other, part: training } : { whole: training, part: other }
      least = Math.min(least, differenceAfterAlignment({ ...pair, ...where }) * certainty)
      if (least <= this.#threshold) break
    }
    return least
  }

  #planesOf(test: number): Planes {
    const known = this.#planes.get(test)
    if (known) return known
    const planes = planesOf(this.#thumbnails[test] as Thumbnail)
    const [oldest] = this.#planes.keys()
    if (this.#planes.size === MOST_PLANES && oldest !== undefined) this.#planes.delete(oldest)
    this.#planes.set(test, planes)
    return planes
  }
}

/**
 * A picture of few pixels loses more of its detail by encoding, so the same difference says less. Below 10 pixels this
 * would make any two pictures alike.
 */
function certaintyOf(pixels: number): number {
  return 1 / (1 + 25 / Math.max(10, pixels))
}

const grid = new Float64Array(valuesOf(CONTRAST_SCALE))

function isPlain(planes: Planes): boolean {
  drawGrid(planes, WHOLE, CONTRAST_SCALE, grid)
  return contrastOf(grid, CONTRAST_SCALE) < LEAST_CONTRAST
}
