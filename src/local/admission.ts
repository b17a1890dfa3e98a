/** What is checked and filled in before an object is stored. */
import { validateJob } from '../api/parse.ts'
import { clone, type Stored } from './objects.ts'
import type { Resource } from './resources.ts'
import { type Cause, invalid } from './status-error.ts'

/** Defaults of the CRDs: only what no preset can fill. */
const JOB_DEFAULTS = { suspend: false, backoffLimit: 20, progressDeadlineSeconds: 600, cleanPodPolicy: 'Running' }
const FINETUNE_DEFAULTS = { ...JOB_DEFAULTS, protocol: 'finetune', init: 'pretrained' }
/** Fields that shape the weights: another value would make the checkpoints of the job useless. */
const IMMUTABLE = ['model', 'seed', 'preset', 'task', 'from', 'init'] as const

/** @throws StatusError 422 in the words of `downpour validate` */
export function admit(resource: Resource, object: Stored, before?: Stored): Stored {
  if (resource.kind === 'PretrainJob' || resource.kind === 'FinetuneJob') return admitJob(resource, object, before)
  if (resource.kind === 'Pod' && !object.status) return { ...object, status: { phase: 'Pending' } }
  if (resource.kind === 'PersistentVolumeClaim') return { ...object, status: { phase: 'Bound' } }
  return object
}

function admitJob(resource: Resource, given: Stored, before: Stored | undefined): Stored {
  const object = clone(given)
  object.spec = { ...(resource.kind === 'PretrainJob' ? JOB_DEFAULTS : FINETUNE_DEFAULTS), ...object.spec }
  const causes: Cause[] = validateJob(object).map(({ path, value, message }) => ({
    reason: value === undefined ? 'FieldValueRequired' : 'FieldValueInvalid',
    field: path,
    message: value === undefined ? `Required value: ${message}` : `Invalid value: ${JSON.stringify(value)}: ${message}`,
  }))
  if (before) causes.push(...changedForGood(object, before))
  if (causes.length > 0) throw invalid(resource, object.metadata.name, causes)
  return object
}

function changedForGood(object: Stored, before: Stored): Cause[] {
  return IMMUTABLE.filter((field) => JSON.stringify(object.spec?.[field]) !== JSON.stringify(before.spec?.[field])).map(
    (field) => ({
      reason: 'FieldValueInvalid',
      field: `spec.${field}`,
      message: `Invalid value: ${JSON.stringify(object.spec?.[field])}: cannot change; make a new job`,
    }),
  )
}
