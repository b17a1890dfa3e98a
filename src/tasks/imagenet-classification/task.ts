import type { ClassLabels } from '../../data/dataset.ts'
import { classifier } from '../classifier.ts'
import { parseFields } from '../declaration.ts'
import { denseTargets, softmaxLoss } from '../label-loss.ts'
import { labelTask } from '../label-task.ts'
import type { BuildBackbone, Task } from '../task.ts'
import { imagenetClassification } from './declaration.ts'
import { createScorer } from './score.ts'
import { sketch } from './sketch.ts'

/** Softmax cross entropy against the first label; its ancestors do not count. @throws DownpourError CONFIG_INVALID */
export function createTask(given: unknown, buildBackbone: BuildBackbone): Task<ClassLabels, Float32Array> {
  const options = parseFields(imagenetClassification.options, given)
  const task = labelTask({
    classifier: classifier(buildBackbone(), options),
    encode: (targets) =>
      denseTargets(
        targets.map(({ labels }) => labels.slice(0, 1)),
        options.classes,
      ),
    loss: softmaxLoss,
    scorer: createScorer,
  })
  return { ...task, sketch }
}
