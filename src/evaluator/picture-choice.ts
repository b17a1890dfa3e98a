/**
 * Chooses the worst, median and best pictures while they are scored. It keeps the sketches of a few pictures and the scores
 * of all: the worst and the best are exact, and the median ones are those of a random sample that are nearest to it.
 */
import type { StoredPicture } from '../contract/pictures.ts'
import type { Sketches } from '../contract/sketch.ts'
import { createRandom } from '../support/random.ts'

export interface SketchedPicture {
  readonly id: string
  /** The mean of its samples. */
  readonly score: number
  readonly samples: readonly Sketches[]
}

export interface RankedPicture extends SketchedPicture {
  readonly rank: StoredPicture['rank']
}

/** Of each rank. */
const PICTURES = 2
const SAMPLED = 32
/** A picture of a crowd has a sample for each person. */
const MAX_SAMPLES = 30
const SEED = 0

export class PictureChoice {
  readonly #worst: SketchedPicture[] = []
  readonly #best: SketchedPicture[] = []
  /** A reservoir: each picture so far is in it with the same probability. */
  readonly #sampled: SketchedPicture[] = []
  readonly #scores: number[] = []
  readonly #random = createRandom(SEED)
  #open: { id: string; samples: Sketches[] } | undefined

  /** Samples of the same picture must follow each other. */
  add(id: string, sketches: Sketches): void {
    if (this.#open?.id !== id) this.#close()
    this.#open ??= { id, samples: [] }
    if (this.#open.samples.length < MAX_SAMPLES) this.#open.samples.push(sketches)
  }

  /** Worst first; each picture once. Pictures without a score are left out. */
  result(): RankedPicture[] {
    this.#close()
    const best = this.#best.map((picture) => ({ ...picture, rank: 'best' as const }))
    const worst = without(this.#worst, best)
      .slice(0, PICTURES)
      .map((picture) => ({ ...picture, rank: 'worst' as const }))
    const median = this.#nearestTo(middleOf(this.#scores), [...best, ...worst])
    return [...worst, ...median.map((picture) => ({ ...picture, rank: 'median' as const })), ...best.toReversed()]
  }

  #close(): void {
    const picture = this.#open && scored(this.#open)
    this.#open = undefined
    if (!picture) return
    this.#scores.push(picture.score)
    // More than are shown: of equal scores, the first are among the best, too.
    insert(this.#worst, picture, 2 * PICTURES, (a, b) => a.score - b.score)
    insert(this.#best, picture, PICTURES, (a, b) => b.score - a.score)
    if (this.#sampled.length < SAMPLED) this.#sampled.push(picture)
    else {
      const at = this.#random.int(this.#scores.length)
      if (at < SAMPLED) this.#sampled[at] = picture
    }
  }

  #nearestTo(score: number, others: readonly SketchedPicture[]): SketchedPicture[] {
    const distance = (picture: SketchedPicture) => Math.abs(picture.score - score)
    return without(this.#sampled, others)
      .sort((a, b) => distance(a) - distance(b))
      .slice(0, PICTURES)
      .sort((a, b) => a.score - b.score)
  }
}

function scored({ id, samples }: { id: string; samples: readonly Sketches[] }): SketchedPicture | undefined {
  const scores = samples.flatMap(({ score }) => (score !== undefined && Number.isFinite(score) ? [score] : []))
  if (scores.length === 0) return undefined
  return { id, score: scores.reduce((sum, score) => sum + score, 0) / scores.length, samples }
}

/** Keeps the first of the order; of equal ones those that came first. */
function insert(
  kept: SketchedPicture[],
  picture: SketchedPicture,
  atMost: number,
  order: (a: SketchedPicture, b: SketchedPicture) => number,
): void {
  kept.push(picture)
  kept.sort(order)
  kept.splice(atMost)
}

function without(pictures: readonly SketchedPicture[], others: readonly SketchedPicture[]): SketchedPicture[] {
  const samples = new Set(others.map((picture) => picture.samples))
  return pictures.filter((picture) => !samples.has(picture.samples))
}

function middleOf(scores: readonly number[]): number {
  return scores.toSorted((a, b) => a - b)[Math.floor(scores.length / 2)] ?? 0
}
