/**
 * Faster R-CNN (paper.md §4.6). B images, H W pixels, A anchors, N objects and P proposals of an image, R boxes of all
 * images together, K classes, C = K + 1 with the background first.
 */
import { DownpourError } from '../../support/errors.ts'
import { type Scalar, type Tensor, type Tensor4D, tf } from '../../tensor/tf.ts'
import type { Backbone } from '../backbone.ts'
import type { Objective } from '../gradients.ts'
import type { Pass } from '../layer.ts'
import { anchorTargets } from './anchor-targets.ts'
import { anchorBoxes, gridOf } from './anchors.ts'
import type { Boxes } from './boxes.ts'
import { decodeDetections } from './detections.ts'
import { boxLoss, classLoss } from './losses.ts'
import { boxHead, proposer } from './network.ts'
import { encodeObjects } from './objects.ts'
import { proposeRegions, sampleRegions } from './regions.ts'
import type { FasterRcnn, FasterRcnnOptions, Size } from './types.ts'

/**
 * Declares the variables and allocates nothing. Its own variables are below `proposer/` and `box/`.
 * @throws DownpourError CONFIG_INVALID
 */
export function fasterRcnn(options: FasterRcnnOptions, backbone: Backbone): FasterRcnn {
  checkCrop(options)
  const split = backbone.split()
  const first = proposer(split.trunk.channels, options)
  const second = boxHead(split, options)
  const anchorsFor = rememberAnchors(options, split.trunk.stride)

  function propose(pass: Pass, images_BHWC: Tensor4D) {
    const [, height, width] = images_BHWC.shape
    const feature_BHWC = split.trunk.apply(images_BHWC, pass)
    return { feature_BHWC, input: { height, width }, predictions: first.apply(feature_BHWC, pass) }
  }

  return {
    variables: [split.trunk, first, second].flatMap(({ variables }) => variables),
    encode(targets) {
      const anchors = anchorsFor(targets[0]?.padded ?? { height: 0, width: 0 })
      return { ...anchorTargets(anchors, targets, options.proposer), ...encodeObjects(targets) }
    },
    objective(pass, images_BHWC, given) {
      const targets = given as TargetTensors
      const { feature_BHWC, input, predictions } = propose(pass, images_BHWC)
      const samples = sampleRegions(predictions, targets, anchorsFor(input), options)
      const { logits_RC, codes_RK4 } = second.apply(feature_BHWC, samples, input, pass)
      const codes_R14 = tf.expandDims(samples.codes_R4, 1)
      return sumOf({
        proposalClass: classLoss(predictions.logits_BA2, targets.objectness_BA2, targets.classWeight_BA),
        proposalBox: boxLoss(predictions.codes_BA4, targets.codes_BA4, targets.codeWeight_BA),
        boxClass: classLoss(logits_RC, samples.class_RC, samples.classWeight_R),
        boxBox: boxLoss(codes_RK4, codes_R14, samples.codeWeight_RK),
      })
    },
    infer(pass, images_BHWC, size_B2) {
      const { feature_BHWC, input, predictions } = propose(pass, images_BHWC)
      const proposed = proposeRegions(predictions, size_B2, input, anchorsFor(input), options)
      const { logits_RC, codes_RK4 } = second.apply(feature_BHWC, proposed, input, pass)
      const rowsOf = (x: Tensor) => tf.reshape(x, [images_BHWC.shape[0], -1, ...x.shape.slice(1)])
      return {
        proposals_BP4: rowsOf(proposed.boxes_R4),
        count_B: proposed.count_B,
        logits_BPC: rowsOf(logits_RC),
        codes_BPK4: rowsOf(codes_RK4),
      }
    },
    decode: (outputs, sizes) => decodeDetections(outputs, sizes, options),
  }
}

function checkCrop({ crop: { size, pool } }: FasterRcnnOptions): void {
  if (pool <= size) return
  throw new DownpourError('CONFIG_INVALID', `cropPool: ${pool}: expected at most cropSize, ${size}`, { size, pool })
}

type TargetTensors = Readonly<
  Record<keyof ReturnType<typeof anchorTargets> | keyof ReturnType<typeof encodeObjects>, Tensor>
>

function sumOf(parts: Readonly<Record<string, Scalar>>): Objective {
  return { loss: tf.addN(Object.values(parts)) as Scalar, parts }
}

/** Anchors depend on the size of the images only; there are few sizes, because pictures are padded. */
function rememberAnchors({ anchors }: FasterRcnnOptions, stride: number): (size: Size) => Boxes {
  const known = new Map<string, Boxes>()
  return (size) => {
    const grid = gridOf(size, stride)
    const key = `${grid.height}×${grid.width}`
    const boxes = known.get(key) ?? anchorBoxes(anchors, grid, stride)
    known.set(key, boxes)
    return boxes
  }
}
