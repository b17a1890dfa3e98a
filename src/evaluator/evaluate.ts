/** Scores one checkpoint on the held-out set. B batch, H W pixels, C classes. */
import { loadCheckpoint, loadClasses } from '../checkpoint/load.ts'
import type { Tensor as StoredTensor } from '../checkpoint/safetensors.ts'
import type { RuntimeConfig } from '../contract/runtime.ts'
import type { Batch } from '../input/batch.ts'
import { evaluationBatches } from '../input/loader.ts'
import type { Model, Weights } from '../models/model.ts'
import { DownpourError } from '../support/errors.ts'
import { sizeOf } from '../support/variables.ts'
import type { Task } from '../tasks/task.ts'
import { type Tensor4D, tf } from '../tensor/tf.ts'

export interface Score {
  metrics: Record<string, number>
  examples: number
}

export interface EvaluateOptions {
  folder: string
  /** Refuse another checkpoint than the one that was listed. */
  digest: string
  config: Pick<RuntimeConfig, 'evaluation' | 'input' | 'model'>
  evaluationDir: string
  model: Model
  task: Task
  signal: AbortSignal
}

/** @throws DownpourError CHECKPOINT_…, DATA_…, LABEL…; AbortError between two batches */
export async function evaluateCheckpoint(options: EvaluateOptions): Promise<Score> {
  const { folder, digest, config, evaluationDir, model, task, signal } = options
  const { evaluation, input } = config
  if (!evaluation) throw new RangeError('the job has no evaluation')
  const { data, batchSize, maxExamples } = evaluation
  const { manifest, variables } = await loadCheckpoint(folder, { expectDigest: digest })
  const classes = (await loadClasses(folder, manifest))?.classes
  const weights = toWeights(model, variables, folder)
  const scorer = task.scorer()
  let examples = 0
  try {
    const limit = maxExamples === undefined ? {} : { maxExamples }
    const outputs = config.model.classes
    const read = { folder: evaluationDir, config: data, classes, outputs, input, batchSize, ...limit }
    for await (const batch of evaluationBatches(read)) {
      signal.throwIfAborted()
      scorer.add(
        logitsOf(model, weights, batch),
        batch.targets.map((target) => target.labels),
      )
      examples += batch.targets.length
    }
  } finally {
    tf.dispose([...weights.values()])
  }
  if (examples > 0) return { metrics: scorer.result(), examples }
  throw new DownpourError('DATA_EMPTY', `${evaluationDir}: the evaluation set holds no example that can be used`)
}

/** @throws DownpourError CHECKPOINT_INCOMPLETE before anything is allocated */
function toWeights(model: Model, stored: ReadonlyMap<string, StoredTensor>, folder: string): Weights {
  const values = model.variables.map(({ name, shape }) => {
    const data = stored.get(name)?.data
    if (data?.length === sizeOf(shape)) return { name, shape, data }
    const found = data ? `${data.length} values` : 'none'
    const message = `${folder}: variable ${name}: expected ${sizeOf(shape)} values (${shape.join('×')}), found ${found}`
    throw new DownpourError('CHECKPOINT_INCOMPLETE', message, { folder, name })
  })
  return new Map(values.map(({ name, shape, data }) => [name, tf.tensor(data, [...shape])]))
}

/** @returns B·C floats, row-major */
function logitsOf(model: Model, weights: Weights, { images, shape }: Batch): Float32Array {
  return tf.tidy(() => {
    const images_BHWC = tf.tensor4d(images, [...shape, 3]) as Tensor4D
    return model.forward(weights, images_BHWC, { training: false }).logits_BC.dataSync() as Float32Array
  })
}
