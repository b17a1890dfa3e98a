/** What the first stage learns from a batch. B images, A anchors, 2: background or object, 4 codes. */
import { createRandom, seedOf } from '../../support/random.ts'
import type { Values } from '../../tensor/values.ts'
import { type Boxes, pickBoxes } from './boxes.ts'
import { encodeBox } from './codes.ts'
import { BACKGROUND, matchBest, matchBoxes, readTruth, sampleMatches, type Truth } from './matches.ts'
import type { DetectorTarget, FasterRcnnOptions, Size } from './types.ts'

interface AnchorTargets {
  readonly objectness_BA2: Float32Array
  /** 1 / (samples in the image · images) for sampled anchors, else 0. */
  readonly classWeight_BA: Float32Array
  readonly codes_BA4: Float32Array
  /** The same, for positive anchors only. */
  readonly codeWeight_BA: Float32Array
}

/** Samples anchors of each image and gives them their objects. Weights contain the divisors of the loss. */
export function anchorTargets(
  anchors: Boxes,
  targets: readonly DetectorTarget[],
  { sampling, border }: FasterRcnnOptions['proposer'],
): Record<keyof AnchorTargets, Values> {
  const [images, count] = [targets.length, anchors.length / 4]
  const into: AnchorTargets = {
    objectness_BA2: new Float32Array(images * count * 2),
    classWeight_BA: new Float32Array(images * count),
    codes_BA4: new Float32Array(images * count * 4),
    codeWeight_BA: new Float32Array(images * count),
  }
  targets.forEach((target, image) => {
    const usable = border === 'kept' ? allOf(anchors) : insideOf(anchors, target.size)
    const candidates = pickBoxes(anchors, usable)
    const truth = readTruth(target.boxes, target.classes, target.ignored, target.size)
    const matches = matchBoxes(candidates, truth, sampling)
    matchBest(matches, candidates, truth)
    const sampled = sampleMatches(matches, sampling, createRandom(seedOf(target.seed, 'anchors')))
    const weight = 1 / (Math.max(1, sampled.length) * images)
    for (const i of sampled) {
      const anchor = usable[i] as number
      writeAnchor(into, image * count + anchor, { weight, match: matches[i] as number, anchors, anchor, truth })
    }
  })
  return {
    objectness_BA2: { shape: [images, count, 2], values: into.objectness_BA2 },
    classWeight_BA: { shape: [images, count], values: into.classWeight_BA },
    codes_BA4: { shape: [images, count, 4], values: into.codes_BA4 },
    codeWeight_BA: { shape: [images, count], values: into.codeWeight_BA },
  }
}

interface SampledAnchor {
  readonly weight: number
  readonly match: number
  readonly anchors: Boxes
  readonly anchor: number
  readonly truth: Truth
}

function writeAnchor(into: AnchorTargets, at: number, { weight, match, anchors, anchor, truth }: SampledAnchor): void {
  into.classWeight_BA[at] = weight
  into.objectness_BA2[2 * at + (match === BACKGROUND ? 0 : 1)] = 1
  if (match === BACKGROUND) return
  into.codeWeight_BA[at] = weight
  encodeBox(truth.boxes, match, anchors, anchor, into.codes_BA4, 4 * at)
}

function allOf(anchors: Boxes): number[] {
  return Array.from({ length: anchors.length / 4 }, (_, i) => i)
}

/** Anchors that do not cross the border of the picture. */
function insideOf(anchors: Boxes, { height, width }: Size): number[] {
  return allOf(anchors).filter((i) => {
    const [top, left, bottom, right] = anchors.subarray(4 * i, 4 * i + 4) as unknown as [number, number, number, number]
    return top >= 0 && left >= 0 && bottom <= height && right <= width
  })
}
