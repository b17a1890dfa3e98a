/** The common part of tasks that find objects: Faster R-CNN, and detections in pixels of the picture file. B batch. */
import { fasterRcnn } from '../../models/faster-rcnn/faster-rcnn.ts'
import type { LabelTree } from '../../scores/mean-average-precision.ts'
import { parseFields } from '../declaration.ts'
import type { BuildBackbone, Scorer, Task, Values } from '../task.ts'
import { type Found, foundInFile } from './found.ts'
import { networkOptions } from './network.ts'
import { DetectionOptions } from './options.ts'
import { resultsOf } from './results.ts'
import { sketchOf } from './sketch.ts'
import type { DetectionTarget } from './target.ts'

type CreateScorer = (labels: LabelTree) => Scorer<DetectionTarget, Found>
type CreateTask = (options: unknown, buildBackbone: BuildBackbone) => Task<DetectionTarget, Found>

/** The result throws DownpourError CONFIG_INVALID. */
export function detectionTask(scorer: CreateScorer): CreateTask {
  return (options, buildBackbone) => {
    const network = fasterRcnn(networkOptions(parseFields(DetectionOptions, options)), buildBackbone())
    return {
      variables: network.variables,
      encode: network.encode,
      objective: network.objective,
      inputs: (targets) => ({ size_B2: sizesOf(targets) }),
      infer: (pass, images_BHWC, { size_B2 } = {}) => network.infer(pass, images_BHWC, size_B2),
      decode(outputs, targets) {
        const sizes = targets.map(({ size }) => size)
        const detections = network.decode(outputs, sizes)
        return detections.map((one, i) => foundInFile(one, targets[i] as DetectionTarget))
      },
      scorer,
      sketch: sketchOf,
      results: resultsOf,
    }
  }
}

/** Without the padding. */
function sizesOf(targets: readonly DetectionTarget[]): Values {
  const sizes = targets.flatMap(({ size: { height, width } }) => [height, width])
  return { shape: [targets.length, 2], values: Int32Array.from(sizes) }
}
