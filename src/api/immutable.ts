/** Fields that cannot change, and fields that can change only while the job is suspended. */
import type { JobKind } from '../contract/names.ts'

/** They determine the weights: with another value the checkpoints of the job could not be used. */
export const IMMUTABLE_FIELDS: Readonly<Record<JobKind, readonly string[]>> = {
  PretrainJob: ['preset', 'task', 'model', 'batchNorm.mode', 'seed', 'from'],
  FinetuneJob: ['preset', 'task', 'model', 'batchNorm.mode', 'seed', 'protocol', 'freeze', 'from', 'init'],
}
/** Of these, the one with a default: writing it is not a change. An earlier version stored it in every object. */
export const FILLED_SOURCE = 'from'
export const CANNOT_CHANGE = 'cannot change; make a new job'

/** The fields that these rules read, as the author wrote them. */
interface Written {
  suspend?: boolean
  scheduling?: { queueName?: string; gang?: string }
}

/** A field that can change only while the job is suspended. */
export interface FrozenField {
  /** Relative to spec. */
  path: string
  message: string
  /** The preset may fill it: writing the preset's value is not a change. */
  isFilled: boolean
  /** Whether the rule applies to a job with this former spec. */
  applies(before: Written): boolean
  /** The same in CEL over `oldSelf`. */
  cel: string
}

const always = { applies: () => true, cel: 'true' }
/** Kueue counts the pods of a group at admission, and deletes excess pods. */
const whileQueued = {
  applies: ({ scheduling }: Written) => scheduling?.queueName !== undefined && scheduling.gang !== 'volcano',
  cel: "has(oldSelf.scheduling) && has(oldSelf.scheduling.queueName) && (!has(oldSelf.scheduling.gang) || oldSelf.scheduling.gang != 'volcano')",
}
const QUEUED = 'cannot change while Kueue counts the pods of the job; suspend it first'

export const FROZEN_FIELDS: readonly FrozenField[] = [
  { path: 'scheduling', message: 'cannot change while the job runs; suspend it first', isFilled: false, ...always },
  { path: 'workers.replicas', message: QUEUED, isFilled: true, ...whileQueued },
  { path: 'parameterServer.replicas', message: QUEUED, isFilled: true, ...whileQueued },
]

/** Whether the job was or becomes suspended, so that it has no pods. */
export function mayChange(before: Written, after: Written): boolean {
  return before.suspend === true || after.suspend === true
}
export const MAY_CHANGE_CEL = '(has(self.suspend) && self.suspend) || (has(oldSelf.suspend) && oldSelf.suspend)'
