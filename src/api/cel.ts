/** The CEL rules of the CRDs: rules between fields, rules on updates, and fields that are required unless a preset fills them. */
import type { JobKind } from '../contract/names.ts'
import { declarationsFor } from '../tasks/declarations.ts'
import { filled, hasPath, presetsThatSet } from './filled.ts'
import { ownSourceValidation } from './from-rules.ts'
import { CANNOT_CHANGE, FILLED_SOURCE, FROZEN_FIELDS, IMMUTABLE_FIELDS, MAY_CHANGE_CEL } from './immutable.ts'
import { MAX_JOB_NAME } from './names.ts'
import type { Rule } from './rule.ts'
import { RULES } from './rules.ts'
import type { Validation } from './schema.ts'
import { foreignInputFields, narrowInputFields } from './task.ts'
import { taskType } from './task-rules.ts'
import { SHARED_NAME_MESSAGE, TRANSFER_NAME_MESSAGE } from './transfer-issues.ts'

/** Required fields without a base default: the preset or the author must set them. */
const NEEDED = ['maxSteps', 'task'] as const

/** Rules of a job's spec. */
export function specValidations(kind: JobKind): Validation[] {
  return [
    ...ruleValidations(kind),
    ...inputValidations(kind),
    ...neededValidations(kind),
    ...immutableValidations(kind),
    ...frozenValidations(kind),
  ]
}

/** Rules of a transfer's template: the spec of a future FinetuneJob, without `from`. It may change. */
export function templateValidations(): Validation[] {
  const aboutFrom = ({ path }: Rule) => path === 'spec.from' || path.startsWith('spec.from.')
  return [
    ...ruleValidations('FinetuneJob', (rule) => !aboutFrom(rule)),
    ...inputValidations('FinetuneJob'),
    ...neededValidations('FinetuneJob'),
  ]
}

/** Rules of a whole PretrainJob that read its name. */
export function nameValidations(): Validation[] {
  return [nameLengths(), sharedNames(), ownSourceValidation()]
}

function nameLengths(): Validation {
  const length = 'size(self.metadata.name) + 1 + size(t.name)'
  return {
    rule: `!has(self.spec.transfers) || self.spec.transfers.all(t, ${length} <= ${MAX_JOB_NAME} && (!has(t.at.steps) || t.at.steps.all(s, ${length} + 1 + size(string(s)) <= ${MAX_JOB_NAME})))`,
    message: TRANSFER_NAME_MESSAGE,
    fieldPath: '.spec.transfers',
  }
}

/** The FinetuneJob of a step is named NAME-STEP. Only a transfer on success can have the same name. */
function sharedNames(): Validation {
  const rest = 'u.name.substring(size(t.name) + 1)'
  const isStep = `u.name.startsWith(t.name + '-') && ${rest}.matches('^[1-9][0-9]{0,8}$') && int(${rest}) in t.at.steps`
  return {
    rule: `!has(self.spec.transfers) || self.spec.transfers.all(t, !has(t.at.steps) || !self.spec.transfers.exists(u, has(u.at.success) && u.at.success && ${isStep}))`,
    message: SHARED_NAME_MESSAGE,
    fieldPath: '.spec.transfers',
  }
}

function ruleValidations(kind: JobKind, wanted: (rule: Rule) => boolean = () => true): Validation[] {
  return RULES.filter((rule) => rule.kinds.includes(kind) && wanted(rule)).map(({ path, message, cel }) => ({
    rule: typeof cel === 'string' ? cel : cel(kind),
    message,
    fieldPath: path.replace(/^spec/, ''),
  }))
}

function inputValidations(kind: JobKind): Validation[] {
  const declarations = declarationsFor(kind)
  const bounds = narrowInputFields(declarations).map(({ type, field, holds, expected }) => ({
    rule: `!has(self.input) || !has(self.input.${field}) || ${taskType(kind)} != '${type}' || (${holds})`,
    message: `expected ${expected} for task ${type}`,
    fieldPath: `.input.${field}`,
  }))
  const foreign = foreignInputFields(declarations).map(({ type, fields }) => ({
    rule: `!has(self.input) || ${taskType(kind)} != '${type}' || !(${fields.map((name) => `has(self.input.${name})`).join(' || ')})`,
    message: `task ${type} has no ${fields.join(', ')}`,
    fieldPath: '.input',
  }))
  return [...foreign, ...bounds]
}

function neededValidations(kind: JobKind): Validation[] {
  return NEEDED.map((path) => {
    const presets = presetsThatSet(kind, path)
    const byPreset = presets.length > 0 ? ` || (has(self.preset) && self.preset in [${presets.join(', ')}])` : ''
    return { rule: `${hasPath(path)}${byPreset}`, message: `${path} is required: no preset sets it` }
  })
}

function immutableValidations(kind: JobKind): Validation[] {
  return IMMUTABLE_FIELDS[kind].map((field) => ({
    rule: field === FILLED_SOURCE ? isSameSource() : isSame(field),
    message: CANNOT_CHANGE,
    fieldPath: `.${field}`,
  }))
}

function frozenValidations(kind: JobKind): Validation[] {
  return FROZEN_FIELDS.map(({ path, message, cel, isFilled }) => ({
    rule: `!(${cel}) || ${MAY_CHANGE_CEL} || (${isFilled ? isSameFilled(kind, path) : isSame(path)})`,
    message,
    fieldPath: `.${path}`,
  }))
}

/** Writing the preset's number into the spec, as the operator does, is not a change. */
function isSameFilled(kind: JobKind, path: string): string {
  return `${filled(kind, path, 1)} == ${filled(kind, path, 1, 'oldSelf')}`
}

/** A source job without `checkpoint` is the same as one with `checkpoint: latest`. */
function isSameSource(): string {
  const checkpoint = (root: string) => `(${hasPath('from.checkpoint', root)} ? ${root}.from.checkpoint : 'latest')`
  const others = ['pretrainJob', 'step', 'volume'].map((field) => isSame(`from.${field}`))
  return ['has(self.from) == has(oldSelf.from)', `${checkpoint('self')} == ${checkpoint('oldSelf')}`, ...others].join(
    ' && ',
  )
}

function isSame(path: string): string {
  const [now, before] = [hasPath(path), hasPath(path, 'oldSelf')]
  return `${now} == ${before} && (!${now} || self.${path} == oldSelf.${path})`
}
