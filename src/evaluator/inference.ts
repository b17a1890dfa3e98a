/** Runs a task on batches of images, without training it. B batch, H W pixels, C channels. */
import type { GraphMode } from '../contract/training.ts'
import type { Batch } from '../input/batch.ts'
import { createPass } from '../models/layer.ts'
import type { Log } from '../support/log.ts'
import type { Task, Values } from '../tasks/task.ts'
import type { Compute } from '../tensor/compute.ts'
import { createProgram } from '../tensor/program.ts'
import { type Tensor4D, tf } from '../tensor/tf.ts'
import type { NamedValues } from '../tensor/values.ts'

export interface Inference {
  /** Keeps the arrays until the next load. */
  load(weights: NamedValues): void
  /** One batch at a time. @returns what the task decodes */
  outputs(batch: Batch<unknown>): Promise<Readonly<Record<string, Values>>>
  dispose(): void
}

const IMAGES = 'images'

export function createInference(task: Task, { graph, log }: { graph: GraphMode; log: Log }): Inference {
  const program = createProgram({ name: 'inference', compute: inferenceOf(task), graph, log })
  return {
    load: (weights) => program.load(weights),
    async outputs({ images, shape, targets }) {
      const inputs = { ...task.inputs?.(targets), [IMAGES]: { shape: [...shape, 3], values: images } }
      return Object.fromEntries(await program.run(new Map(Object.entries(inputs))))
    },
    dispose: () => program.dispose(),
  }
}

function inferenceOf(task: Task): Compute {
  return (weights, inputs) => {
    const { [IMAGES]: images_BHWC, ...others } = Object.fromEntries(inputs)
    const pass = createPass(weights, { training: false })
    return new Map(Object.entries(tf.tidy(() => ({ ...task.infer(pass, images_BHWC as Tensor4D, others) }))))
  }
}
