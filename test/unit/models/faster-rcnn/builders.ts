import { type BackboneOptions, buildBackbone } from '../../../../src/models/backbone.ts'
import { fasterRcnn } from '../../../../src/models/faster-rcnn/faster-rcnn.ts'
import { MINI } from '../../../../src/models/faster-rcnn/options.ts'
import type { DetectorTarget, FasterRcnn, FasterRcnnOptions, Size } from '../../../../src/models/faster-rcnn/types.ts'

/** An image without padding. @param boxes classes go by their order, unless they are given */
export function targetOf(
  size: Size,
  boxes: readonly (readonly number[])[],
  { classes, ignored, seed = 1 }: { classes?: readonly number[]; ignored?: readonly number[]; seed?: number } = {},
): DetectorTarget {
  return {
    size,
    padded: size,
    boxes: Float32Array.from(boxes.flat()),
    classes: Int32Array.from(classes ?? boxes.map((_, i) => i % 3)),
    ignored: Uint8Array.from(ignored ?? boxes.map(() => 0)),
    seed,
  }
}

/** MINI with fewer boxes. */
export const OPTIONS: FasterRcnnOptions = {
  ...MINI,
  classes: 3,
  proposer: { ...MINI.proposer, channels: 16, sampling: { ...MINI.proposer.sampling, batch: 32 } },
  proposals: { ...MINI.proposals, count: 20 },
  sampling: { ...MINI.sampling, batch: 12 },
}

export function detector({ freeze = 'none', mode = 'frozen' }: DetectorSettings = {}): FasterRcnn {
  return fasterRcnn(OPTIONS, buildBackbone({ name: 'resnet-mini', freeze, batchNorm: { mode, epsilon: 1e-3 } }))
}

interface DetectorSettings {
  freeze?: BackboneOptions['freeze']
  mode?: 'trained' | 'frozen'
}
