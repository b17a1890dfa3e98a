/**
 * What goes into a Faster R-CNN and what comes out, as plain data: no tfjs, so input pipelines may import it. Boxes are
 * top, left, bottom, right in pixels of the network's input, where pixel i reaches from i to i + 1.
 * B batch, N objects, P proposals, K classes, 4 box coordinates or codes.
 */
import type { VariableSpec } from '../../support/variables.ts'
import type { Tensor, Tensor4D } from '../../tensor/tf.ts'
import type { Values } from '../../tensor/values.ts'
import type { Objective } from '../gradients.ts'
import type { Pass } from '../layer.ts'

export interface Size {
  readonly height: number
  readonly width: number
}

/** The objects of one image of a batch. */
export interface DetectorTarget {
  /** Without the padding, which is at the right and at the bottom. */
  readonly size: Size
  /** With the padding: the same for all images of a batch. */
  readonly padded: Size
  /** N × 4. An object whose box, cut to `size`, has a side below 1 pixel is left out. */
  readonly boxes: Float32Array
  /** 0 … K-1 for each object; the background is no class here. */
  readonly classes: Int32Array
  /** 1 for crowds and difficult objects: training neither learns them nor learns that nothing is there. */
  readonly ignored: Uint8Array
  /** Decides which anchors and proposals are sampled. A new number for each sample, from the random numbers of the loader. */
  readonly seed: number
}

/** What a Faster R-CNN finds in one image; the best score first. */
export interface Detections {
  /** D × 4, inside of `size`. */
  readonly boxes: Float32Array
  readonly classes: Int32Array
  /** Probabilities. */
  readonly scores: Float32Array
}

/** Anchors have a height of base · scale / √ratio and a width of base · scale · √ratio; one of each pair a cell. */
export interface AnchorOptions {
  readonly base: number
  readonly scales: readonly number[]
  /** Width / height. */
  readonly ratios: readonly number[]
}

/** Which boxes a stage learns from. */
export interface SamplingOptions {
  /** Boxes an image. */
  readonly batch: number
  /** The largest share of positive ones. */
  readonly positiveShare: number
  /** The least IoU with an object of a positive box; below `negativeIou` a box is negative. */
  readonly positiveIou: number
  readonly negativeIou: number
}

export interface FasterRcnnOptions {
  readonly classes: number
  readonly anchors: AnchorOptions
  /** The network that proposes boxes. */
  readonly proposer: {
    readonly channels: number
    readonly sampling: SamplingOptions
    /** Whether training uses anchors that cross the border of the picture. */
    readonly border: 'kept' | 'dropped'
  }
  readonly proposals: {
    /** How many of the best anchors go into the non-maximum suppression. */
    readonly candidates: number
    readonly nmsIou: number
    /** How many boxes of an image remain at most. */
    readonly count: number
  }
  /** Each proposal is cropped to crop × crop feature pixels, then the maximum of pool × pool is taken. */
  readonly crop: { readonly size: number; readonly pool: number }
  /** The second stage. */
  readonly sampling: SamplingOptions
  readonly detections: {
    readonly nmsIou: number
    readonly minScore: number
    readonly perClass: number
    readonly total: number
  }
}

export interface FasterRcnn {
  readonly variables: readonly VariableSpec[]
  /** Assigns and samples anchors; the result becomes the tensors of `objective`. */
  encode(targets: readonly DetectorTarget[]): Readonly<Record<string, Values>>
  /** Reads the proposals in mid-step. The parts are proposalClass, proposalBox, boxClass and boxBox. */
  objective(pass: Pass, images_BHWC: Tensor4D, targets: Readonly<Record<string, Tensor>>): Objective
  /**
   * @param size_B2 height and width of each image without padding; absent: without padding
   * @returns proposals_BP4, count_B, logits_BPC (C = K + 1, the background first) and codes_BPK4
   */
  infer(pass: Pass, images_BHWC: Tensor4D, size_B2?: Tensor): Readonly<Record<string, Tensor>>
  /** @param sizes of the images without padding */
  decode(outputs: Readonly<Record<string, Values>>, sizes: readonly Size[]): Detections[]
}
