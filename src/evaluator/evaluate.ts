/** Scores one checkpoint on the held-out set. */
import { loadCheckpoint } from '../checkpoint/load.ts'
import type { RuntimeConfig } from '../contract/runtime.ts'
import { evaluationBatches } from '../data/loader.ts'
import type { Model, Weights } from '../models/model.ts'
import type { Task } from '../tasks/task.ts'
import { type Tensor4D, tf } from '../tensor/tf.ts'

export interface Score {
  metrics: Record<string, number>
  examples: number
}

/** @throws DownpourError CHECKPOINT_…, DATA_…; AbortError between two batches */
export async function evaluateCheckpoint(options: {
  folder: string
  digest: string
  config: RuntimeConfig
  evaluationDir: string
  model: Model
  task: Task
  signal: AbortSignal
}): Promise<Score> {
  const { folder, digest, config, evaluationDir, model, task, signal } = options
  const { evaluation, input } = config
  if (!evaluation) throw new RangeError('the job has no evaluation')
  const { variables } = await loadCheckpoint(folder, { expectDigest: digest })
  const weights: Weights = new Map(
    model.variables.map(({ name, shape }) => [name, tf.tensor(variables.get(name)?.data ?? [], [...shape])]),
  )
  const scorer = task.scorer()
  let examples = 0
  const { data, batchSize, maxExamples } = evaluation
  try {
    for await (const batch of evaluationBatches({
      folder: evaluationDir,
      config: data,
      input,
      batchSize,
      ...(maxExamples ? { maxExamples } : {}),
    })) {
      signal.throwIfAborted()
      scorer.add(logitsOf(model, weights, batch.images, batch.size, input.cropPixels), batch.labels)
      examples += batch.size
    }
  } finally {
    tf.dispose([...weights.values()])
  }
  return { metrics: scorer.result(), examples }
}

function logitsOf(model: Model, weights: Weights, images: Float32Array, size: number, pixels: number): Float32Array {
  const logits_BC = tf.tidy(() => {
    const images_BHWC = tf.tensor4d(images, [size, pixels, pixels, 3]) as Tensor4D
    return model.forward(weights, images_BHWC, { training: false }).logits_BC
  })
  const values = logits_BC.dataSync() as Float32Array
  logits_BC.dispose()
  return values
}
