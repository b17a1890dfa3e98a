/** Fields that shape the weights: another value would make the checkpoints of the job useless. */
import type { JobKind } from '../contract/names.ts'

export const IMMUTABLE_FIELDS: Readonly<Record<JobKind, readonly string[]>> = {
  PretrainJob: ['preset', 'model', 'seed'],
  FinetuneJob: ['preset', 'model', 'seed', 'task', 'from', 'init'],
}
export const CANNOT_CHANGE = 'cannot change; make a new job'
