import type { ClassLabels } from '../../data/dataset.ts'
import { classifier } from '../classifier.ts'
import { parseFields } from '../declaration.ts'
import { denseTargets, logisticLoss } from '../label-loss.ts'
import { labelTask } from '../label-task.ts'
import type { BuildBackbone, Task } from '../task.ts'
import { multiLabel } from './declaration.ts'
import { createScorer } from './score.ts'

const RARE_LABEL = 1e-4

/** @throws DownpourError CONFIG_INVALID */
export function createTask(given: unknown, buildBackbone: BuildBackbone): Task<ClassLabels, Float32Array> {
  const options = parseFields(multiLabel.options, given)
  const { classes } = options
  return labelTask({
    classifier: classifier(buildBackbone(), { ...options, bias: logOdds(Math.max(RARE_LABEL, 1 / (classes + 1))) }),
    encode: (targets) =>
      denseTargets(
        targets.map(({ labels }) => labels),
        classes,
      ),
    loss: logisticLoss,
    scorer: createScorer,
  })
}

/** A label is rare: starting at its odds keeps the first logistic loss from being huge (paper.md §4.1). */
function logOdds(probability: number): number {
  return Math.log(probability / (1 - probability))
}
