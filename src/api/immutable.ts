/** Fields that cannot change at all, and those that can while the job has no pods. */
import type { JobKind } from '../contract/names.ts'

/** They shape the weights: another value would make the checkpoints of the job useless. */
export const IMMUTABLE_FIELDS: Readonly<Record<JobKind, readonly string[]>> = {
  PretrainJob: ['preset', 'task', 'model', 'seed', 'from'],
  FinetuneJob: ['preset', 'task', 'model', 'seed', 'protocol', 'from', 'init'],
}
export const CANNOT_CHANGE = 'cannot change; make a new job'

/** The fields that these rules read, as the user wrote them. */
interface Written {
  suspend?: boolean
  scheduling?: { queueName?: string; gang?: string }
}

/** A field that keeps its value until the job is suspended. */
export interface FrozenField {
  /** From spec. */
  path: string
  message: string
  /** A number that the preset fills in: it is the same when both say it. */
  isCount: boolean
  /** Whether it is frozen for a job that was like this. */
  applies(before: Written): boolean
  /** The same over `oldSelf`, the spec before. */
  cel: string
}

const always = { applies: () => true, cel: 'true' }
/** Kueue counts the pods of a group when it admits them, and deletes those that are too many. */
const whileQueued = {
  applies: ({ scheduling }: Written) => scheduling?.queueName !== undefined && scheduling.gang !== 'volcano',
  cel: "has(oldSelf.scheduling) && has(oldSelf.scheduling.queueName) && (!has(oldSelf.scheduling.gang) || oldSelf.scheduling.gang != 'volcano')",
}
const QUEUED = 'cannot change while Kueue counts the pods of the job; suspend it first'

export const FROZEN_FIELDS: readonly FrozenField[] = [
  { path: 'scheduling', message: 'cannot change while the job runs; suspend it first', isCount: false, ...always },
  { path: 'workers.replicas', message: QUEUED, isCount: true, ...whileQueued },
  { path: 'parameterServer.replicas', message: QUEUED, isCount: true, ...whileQueued },
]

/** Suspended before or from now on: the pods are gone, or are about to go. */
export function mayThaw(before: Written, after: Written): boolean {
  return before.suspend === true || after.suspend === true
}
export const MAY_THAW_CEL = '(has(self.suspend) && self.suspend) || (has(oldSelf.suspend) && oldSelf.suspend)'
