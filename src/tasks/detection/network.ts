import { FULL } from '../../models/faster-rcnn/options.ts'
import type { FasterRcnnOptions } from '../../models/faster-rcnn/types.ts'
import type { DetectionOptions } from './options.ts'

/** The options of the network; what a job cannot choose is as in the TensorFlow Object Detection API. */
export function networkOptions(options: DetectionOptions): FasterRcnnOptions {
  const { classes, anchorBase: base, anchorScales: scales, anchorRatios: ratios } = options
  return {
    ...FULL,
    classes,
    anchors: { base, scales, ratios },
    proposer: {
      channels: options.proposerChannels,
      sampling: { ...FULL.proposer.sampling, batch: options.proposerSamples },
      border: options.borderAnchors,
    },
    proposals: { ...FULL.proposals, candidates: options.candidates, count: options.proposals },
    crop: { size: options.cropSize, pool: options.cropPool },
    sampling: { ...FULL.sampling, batch: options.boxSamples },
    detections: { ...FULL.detections, nmsIou: options.detectionIou },
  }
}
