/** The networks that are measured: each a process of its own, so that its peak memory is its own. */
import { FULL, MINI } from '../../src/models/faster-rcnn/options.ts'

export const CASES = {
  full: { backbone: 'resnet101', height: 600, width: 1024, images: 1, options: { ...FULL, classes: 80 }, steps: 2 },
  mini: { backbone: 'resnet-mini', height: 64, width: 64, images: 4, options: { ...MINI, classes: 10 }, steps: 60 },
} as const
export type CaseName = keyof typeof CASES

/** What one process prints. */
export interface Figures {
  readonly anchors: number
  readonly proposals: number
  /** Median of a training step: network, gradients and the read-out of all gradients. */
  readonly seconds: number
  /** Of all cores together, which other programs on the machine change less. */
  readonly cpuSeconds: number
  readonly peakGiB: number
  readonly loss: number
}
