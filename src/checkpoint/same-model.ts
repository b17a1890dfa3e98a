/** Refuses weights of another network: those of another variant have the same shapes and would be used without an error. */
import { modelText } from '../contract/training.ts'
import { DownpourError } from '../support/errors.ts'
import type { Manifest, ModelRecord } from './manifest.ts'

/**
 * A checkpoint of an older version names no model; then only the names and shapes of its variables are compared, when
 * they are copied.
 * @param wanted the model of the job
 * @throws DownpourError CHECKPOINT_OTHER_MODEL
 */
export function assertSameModel(folder: string, { model }: Pick<Manifest, 'model'>, wanted: ModelRecord): void {
  if (!model || (model.backbone === wanted.backbone && model.variant === wanted.variant)) return
  throw new DownpourError(
    'CHECKPOINT_OTHER_MODEL',
    `${folder} is a checkpoint of ${modelText(model)}, but spec.model of the job is ${modelText(wanted)}: choose a checkpoint of the same backbone and variant, or change spec.model of a new job`,
    { folder, model, wanted },
  )
}
