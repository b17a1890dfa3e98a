import { type Scalar, tf } from '../../tensor/tf.ts'
import { classifier } from '../classifier.ts'
import { parseFields } from '../declaration.ts'
import type { BuildBackbone, Task } from '../task.ts'
import { objectCount } from './declaration.ts'
import { type CountTarget, createScorer } from './score.ts'

/** One output, trained on the squared error. B batch. @throws DownpourError CONFIG_INVALID */
export function createTask(given: unknown, buildBackbone: BuildBackbone): Task<CountTarget, number> {
  parseFields(objectCount.options, given)
  const network = classifier(buildBackbone(), { classes: 1, headSlices: 1, bias: 1 })
  return {
    variables: network.variables,
    encode: (targets) => ({
      count_B1: { shape: [targets.length, 1], values: Float32Array.from(targets, ({ count }) => count) },
    }),
    objective(pass, images_BHWC, { count_B1 }) {
      const predicted_B1 = network.logits(pass, images_BHWC)
      return { loss: tf.mean(tf.squaredDifference(predicted_B1, count_B1 ?? [])) as Scalar, parts: {} }
    },
    infer: (pass, images_BHWC) => ({ count_B1: network.logits(pass, images_BHWC) }),
    decode: ({ count_B1 }) => [...(count_B1?.values ?? [])],
    scorer: createScorer,
  }
}
