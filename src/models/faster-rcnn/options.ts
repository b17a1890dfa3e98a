/** The two sizes of a Faster R-CNN. Both have the same code; only these numbers and the backbone differ. */
import type { FasterRcnnOptions } from './types.ts'

/** For resnet18 … resnet152 and pictures with a short side of 600 pixels: the TensorFlow Object Detection API (paper.md §4.6). */
export const FULL: Omit<FasterRcnnOptions, 'classes'> = {
  anchors: { base: 256, scales: [0.25, 0.5, 1, 2], ratios: [0.5, 1, 2] },
  proposer: {
    channels: 512,
    sampling: { batch: 256, positiveShare: 0.5, positiveIou: 0.7, negativeIou: 0.3 },
    border: 'dropped',
  },
  proposals: { candidates: 6000, nmsIou: 0.7, count: 300 },
  crop: { size: 14, pool: 2 },
  sampling: { batch: 64, positiveShare: 0.25, positiveIou: 0.5, negativeIou: 0.5 },
  detections: { nmsIou: 0.6, minScore: 0, perClass: 100, total: 300 },
}

/** For resnet-mini and pictures of 64 pixels with objects of 14 to 30 pixels (ours). */
export const MINI: Omit<FasterRcnnOptions, 'classes'> = {
  ...FULL,
  anchors: { base: 32, scales: [0.5, 0.75, 1], ratios: [0.5, 1, 2] },
  proposer: { channels: 64, sampling: { ...FULL.proposer.sampling, batch: 64 }, border: 'kept' },
  proposals: { candidates: 300, nmsIou: 0.7, count: 50 },
  crop: { size: 7, pool: 1 },
  sampling: { ...FULL.sampling, batch: 16 },
  // After few steps boxes are inexact: several of one object overlap by less than .6.
  detections: { ...FULL.detections, nmsIou: 0.4 },
}
