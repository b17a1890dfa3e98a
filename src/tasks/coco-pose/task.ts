import { type Scalar, type Tensor2D, type Tensor4D, tf } from '../../tensor/tf.ts'
import type { Values } from '../../tensor/values.ts'
import { parseFields } from '../declaration.ts'
import type { BuildBackbone, Task } from '../task.ts'
import { toPicture } from './crop.ts'
import { cocoPose } from './declaration.ts'
import { fuse, type Maps } from './fusion.ts'
import { poseLosses } from './loss.ts'
import { poseNetwork } from './network.ts'
import type { Pose } from './pose.ts'
import { createScorer } from './score.ts'
import { sketchPose } from './sketch.ts'
import { encodeTargets, type PoseTarget } from './target.ts'

/** The pose network of G-RMI (paper.md §4.8). A prediction is undefined for a picture without a box. @throws DownpourError CONFIG_INVALID */
export function createTask(given: unknown, buildBackbone: BuildBackbone): Task<PoseTarget, Pose | undefined> {
  const { outputStride, auxiliaryLoss } = parseFields(cocoPose.options, given)
  const network = poseNetwork(buildBackbone({ outputStride }), auxiliaryLoss)
  return {
    variables: network.variables,
    encode: (targets) => encodeTargets(targets, network.stride),
    objective(pass, images_BHWC, { disk_BHWK, at_B2K }) {
      const targets = { disk_BHWK: disk_BHWK as Tensor4D, at_B2K: at_B2K as Tensor2D }
      const parts = poseLosses(network.maps(pass, images_BHWC), targets, network.stride)
      return { loss: tf.addN(Object.values(parts)) as Scalar, parts }
    },
    infer(pass, images_BHWC) {
      const { heat_BHWK, offsets_BHW2K } = network.maps(pass, images_BHWC)
      return { heat_BHWK, offsets_BHW2K }
    },
    decode: ({ heat_BHWK, offsets_BHW2K }, targets) =>
      targets.map((target, row) => {
        const [heat_hwK, offsets_hw2K] = [rowOf(heat_BHWK as Values, row), rowOf(offsets_BHW2K as Values, row)]
        return poseOf({ heat_hwK, offsets_hw2K, stride: network.stride }, target)
      }),
    scorer: createScorer,
    sketch: sketchPose,
    results: (pose, { scoring: { label } }) => (pose ? [{ label, keypoints: pose.keypoints, score: pose.score }] : []),
  }
}

function rowOf({ shape, values }: Values, row: number) {
  const length = values.length / (shape[0] as number)
  return values.subarray(row * length, (row + 1) * length)
}

/** In pixels of the picture. */
function poseOf(maps: Maps, { size, diskRadius, scoring: { place } }: PoseTarget): Pose | undefined {
  if (!place) return undefined
  const { keypoints, score } = fuse(maps, size, diskRadius)
  return {
    keypoints: keypoints.flatMap(([x, y]) => [...toPicture(x, y, place.crop, size), 2]),
    score: score * place.boxScore,
    box: place.box,
  }
}
