/** Validates an object and fills in defaults before it is stored. */
import { CANNOT_CHANGE, FILLED_SOURCE, FROZEN_FIELDS, IMMUTABLE_FIELDS, mayChange } from '../../api/immutable.ts'
import { validateJob } from '../../api/parse.ts'
import { fillSpec } from '../../api/resolve.ts'
import type { Schema } from '../../api/schema.ts'
import { shownAt } from '../../api/secrets.ts'
import type { JobKind } from '../../contract/names.ts'
import { valueAt } from '../../support/fields.ts'
import { type Cause, invalidValue, requiredField } from './causes.ts'
import { checkCore } from './core-rules.ts'
import { checkMetadata } from './metadata-rules.ts'
import { clone, type Stored, sameContent } from './objects.ts'
import type { Resource } from './resources.ts'
import { schemaOf, typeCauses, withDefaults } from './schema.ts'
import { invalid } from './status-error.ts'

const CONFIG_KEY = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'"

/** @throws StatusError 422 with the messages of `downpour validate` */
export function admit(resource: Resource, object: Stored, before?: Stored): Stored {
  checkMetadata(resource, object)
  const schema = schemaOf(resource)
  if (schema) return admitJob(resource, schema, object, before)
  if (!before || !sameContent(before.spec, object.spec)) checkCore(resource, object)
  if (resource.kind === 'Pod' && !object.status) return { ...object, status: { phase: 'Pending' } }
  if (resource.kind === 'ConfigMap') checkKeys(resource, object)
  if (resource.kind === 'PersistentVolumeClaim') return { ...object, status: { phase: 'Bound' } }
  return object
}

/** Keys of a ConfigMap become names of files. @throws StatusError 422 */
function checkKeys(resource: Resource, { metadata, ...object }: Stored): void {
  const keys = Object.keys({ ...(object.data as object | undefined), ...(object.binaryData as object | undefined) })
  const causes = keys
    .filter((key) => !/^[-._a-zA-Z0-9]+$/.test(key))
    .map((key) => invalidValue(`data[${key}]`, JSON.stringify(key), CONFIG_KEY))
  if (causes.length > 0) throw invalid(resource, metadata.name, causes)
}

/** Checks the operator's status writes against the schema as well. @throws StatusError 422 */
export function admitStatus(resource: Resource, object: Stored): void {
  const status = schemaOf(resource)?.properties?.status
  const causes = status ? typeCauses(status, object.status, 'status') : []
  if (causes.length > 0) throw invalid(resource, object.metadata.name, causes)
}

function admitJob(resource: Resource, schema: Schema, given: Stored, before: Stored | undefined): Stored {
  const object = withDefaults(schema, clone(given)) as Stored
  const causes = validateJob(object).map(({ path, value, message }) =>
    value === undefined ? requiredField(path, message) : invalidValue(path, shownAt(path, value), message),
  )
  if (before) causes.push(...immutableCauses(object, before))
  if (causes.length > 0) throw invalid(resource, object.metadata.name, causes)
  return object
}

function immutableCauses(object: Stored, before: Stored): Cause[] {
  const kind = object.kind as JobKind
  const immutable = IMMUTABLE_FIELDS[kind].map((path) => ({
    path,
    message: CANNOT_CHANGE,
    isFilled: path === FILLED_SOURCE,
  }))
  const [was, is] = [before.spec ?? {}, object.spec ?? {}]
  const frozen = mayChange(was, is) ? [] : FROZEN_FIELDS.filter(({ applies }) => applies(was))
  const read = (spec: object, path: string, isFilled: boolean) =>
    fieldAt(isFilled ? fillSpec(kind, { ...spec }) : spec, path)
  return [...immutable, ...frozen]
    .filter(({ path, isFilled }) => !sameContent(read(is, path, isFilled), read(was, path, isFilled)))
    .map(({ path, message }) => invalidValue(`spec.${path}`, changedText(path, fieldAt(is, path)), message))
}

function changedText(path: string, value: unknown): string {
  return value === undefined ? 'nothing' : shownAt(`spec.${path}`, value)
}

function fieldAt(spec: object, path: string): unknown {
  return valueAt(spec, path.split('.'))
}
