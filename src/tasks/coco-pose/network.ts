/** Maps of a crop: heatmaps and offsets from the last feature of the backbone, by 1×1 convolutions. K keypoints. */
import type { Backbone } from '../../models/backbone.ts'
import { biasedConvolution } from '../../models/biased.ts'
import type { Layer, Pass } from '../../models/layer.ts'
import { DownpourError } from '../../support/errors.ts'
import type { VariableSpec } from '../../support/variables.ts'
import type { Tensor4D } from '../../tensor/tf.ts'
import { KEYPOINTS } from './skeleton.ts'

const K = KEYPOINTS.length
const WEIGHT_STDDEV = 0.01
/** log(p / (1 - p)) for p = 3%: about the share of a crop that a disk covers. The first loss is small with it. */
const FIRST_LOGIT = -3.5

export interface PoseMaps {
  readonly heat_BHWK: Tensor4D
  /** In pixels of the crop: x of all keypoints, then y of all. */
  readonly offsets_BHW2K: Tensor4D
  /** Heatmaps of an earlier block, if they are trained. */
  readonly auxiliary_BHWK: Tensor4D | undefined
}

export interface PoseNetwork {
  readonly variables: readonly VariableSpec[]
  /** Pixels of the crop for each cell of the maps. */
  readonly stride: number
  maps(pass: Pass, images_BHWC: Tensor4D): PoseMaps
}

/**
 * @param hasAuxiliary adds heatmaps of the block before the last: G-RMI hangs them at layer 50 of a ResNet-101, and a
 * backbone has one feature a block
 * @throws DownpourError CONFIG_INVALID: the two features have different strides
 */
export function poseNetwork(backbone: Backbone, hasAuxiliary: boolean): PoseNetwork {
  const [last, early] = lastTwo(backbone.features)
  const heatmap = head('heatmap', last.channels, K, FIRST_LOGIT)
  const offset = head('offset', last.channels, 2 * K, 0)
  const auxiliary = hasAuxiliary ? head('auxiliary', early.channels, K, FIRST_LOGIT) : undefined
  if (hasAuxiliary) mustShareStride(last.stride, early.stride)
  const heads = [heatmap, offset, ...(auxiliary ? [auxiliary] : [])]
  return {
    variables: [...backbone.variables, ...heads.flatMap(({ variables }) => variables)],
    stride: last.stride,
    maps(pass, images_BHWC) {
      const [top, below] = lastTwo(backbone.apply(images_BHWC, pass))
      return {
        heat_BHWK: heatmap.apply(top.x_BHWC, pass),
        offsets_BHW2K: offset.apply(top.x_BHWC, pass),
        auxiliary_BHWK: auxiliary?.apply(below.x_BHWC, pass),
      }
    },
  }
}

/** Every backbone has three blocks or more. */
function lastTwo<T>(features: readonly T[]): [last: T, before: T] {
  return [features.at(-1) as T, features.at(-2) as T]
}

function mustShareStride(last: number, early: number): void {
  if (last === early) return
  const message = `task.auxiliaryLoss: the last two blocks of the backbone have strides ${early} and ${last}: expected the same; set task.outputStride: ${early}`
  throw new DownpourError('CONFIG_INVALID', message)
}

function head(name: string, inChannels: number, outChannels: number, bias: number): Layer {
  return biasedConvolution(`head/${name}`, 1, { inChannels, outChannels, stddev: WEIGHT_STDDEV, bias })
}
