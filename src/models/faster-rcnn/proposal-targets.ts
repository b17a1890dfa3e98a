/** What the second stage learns from the proposals of a batch. R samples of all images together, K classes. */
import { createRandom, seedOf } from '../../support/random.ts'
import { type Boxes, pickBoxes } from './boxes.ts'
import { encodeBox } from './codes.ts'
import { BACKGROUND, matchBoxes, sampleMatches, type Truth } from './matches.ts'
import type { SamplingOptions } from './types.ts'

export interface ImageProposals {
  readonly boxes: Boxes
  readonly truth: Truth
  readonly seed: number
}

export interface ProposalTargets {
  readonly boxes_R4: Float32Array
  /** The background first. */
  readonly class_RC: Float32Array
  /** 1 / (samples in the image · images); 0 in the rows that fill up an image with too few proposals. */
  readonly classWeight_R: Float32Array
  readonly codes_R4: Float32Array
  /** The weight at the class of positive samples, so that only the codes of that class learn. */
  readonly codeWeight_RK: Float32Array
}

/** @param classes K; C is K + 1. Each image has sampling.batch rows. */
export function proposalTargets(
  images: readonly ImageProposals[],
  classes: number,
  sampling: SamplingOptions,
): ProposalTargets {
  const rows = images.length * sampling.batch
  const into: ProposalTargets = {
    boxes_R4: new Float32Array(rows * 4),
    class_RC: new Float32Array(rows * (classes + 1)),
    classWeight_R: new Float32Array(rows),
    codes_R4: new Float32Array(rows * 4),
    codeWeight_RK: new Float32Array(rows * classes),
  }
  images.forEach((image, n) => {
    const matches = matchBoxes(image.boxes, image.truth, sampling)
    const sampled = sampleMatches(matches, sampling, createRandom(seedOf(image.seed, 'proposals')))
    const weight = 1 / (Math.max(1, sampled.length) * images.length)
    into.boxes_R4.set(pickBoxes(image.boxes, sampled), 4 * n * sampling.batch)
    sampled.forEach((proposal, i) => {
      const row = { at: n * sampling.batch + i, proposal, match: matches[proposal] as number, weight }
      writeRow(into, row, image, classes)
    })
  })
  return into
}

interface Row {
  readonly at: number
  readonly proposal: number
  readonly match: number
  readonly weight: number
}

function writeRow(
  into: ProposalTargets,
  { at, proposal, match, weight }: Row,
  { boxes, truth }: ImageProposals,
  classes: number,
): void {
  into.classWeight_R[at] = weight
  const label = match === BACKGROUND ? 0 : 1 + (truth.classes[match] as number)
  into.class_RC[at * (classes + 1) + label] = 1
  if (match === BACKGROUND) return
  into.codeWeight_RK[at * classes + label - 1] = weight
  encodeBox(truth.boxes, match, boxes, proposal, into.codes_R4, 4 * at)
}
