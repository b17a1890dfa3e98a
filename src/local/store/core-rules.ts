/** Checks pods, services and claims for the most common mistakes, with the messages of the real API server. */
import { QUANTITY } from '../../api/quantities.ts'
import { isFields } from '../../support/fields.ts'
import { shownValue } from '../../support/shown.ts'
import { type Cause, invalidValue, notSupported, requiredField } from './causes.ts'
import type { Stored } from './objects.ts'
import type { Resource } from './resources.ts'
import { badRequest, invalid } from './status-error.ts'

type Fields = Record<string, unknown>

const LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/
const SERVICE = /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/
/** Printable ASCII without "=", which Kubernetes accepts by default since 1.32. */
const VARIABLE = /^[ -<>-~]+$/
const ACCESS_MODES = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod']

const RULES: Readonly<Record<string, (object: Stored) => Cause[]>> = {
  Pod: (pod) => podCauses(specOf(pod)),
  Service: ({ metadata: { name } }) =>
    SERVICE.test(name) ? [] : [wrong('metadata.name', name, 'a DNS-1035 label begins with a letter')],
  PersistentVolumeClaim: (claim) => claimCauses(specOf(claim)),
}

/** @throws StatusError 422; 400 for a variable whose value is not a string */
export function checkCore(resource: Resource, object: Stored): void {
  const causes = resource.group === '' ? (RULES[resource.kind]?.(object) ?? []) : []
  if (causes.length > 0) throw invalid(resource, object.metadata.name, causes)
}

function specOf({ spec }: { spec?: unknown }): Fields {
  if (isFields(spec)) return spec
  if (spec === undefined || spec === null) return {}
  throw badRequest(`spec: ${shownValue(spec)} is not an object`)
}

function claimCauses({ accessModes, resources }: Fields): Cause[] {
  const modes = Array.isArray(accessModes) ? accessModes : []
  const requests = isFields(resources) ? resources.requests : undefined
  const storage = isFields(requests) ? requests.storage : undefined
  return [
    ...(modes.length > 0 ? [] : [requiredField('spec.accessModes', 'at least 1 access mode is required')]),
    ...modes
      .filter((mode) => !ACCESS_MODES.includes(mode))
      .map((mode) => notSupported('spec.accessModes', JSON.stringify(mode), ACCESS_MODES)),
    ...(storage === undefined ? [requiredField('spec.resources[storage]')] : storageCauses(storage)),
  ]
}

function storageCauses(storage: unknown): Cause[] {
  const field = 'spec.resources[storage]'
  if (!QUANTITY.test(String(storage))) throw badRequest(`${field}: ${JSON.stringify(storage)} is not a quantity`)
  return /[1-9]/.test(String(storage)) ? [] : [wrong(field, storage, 'must be greater than zero')]
}

function podCauses(spec: Fields): Cause[] {
  const volumes = namesOf(spec.volumes)
  const containers = listOf(spec.containers)
  return [
    ...nameCauses('spec.volumes', volumes),
    ...(containers.length > 0 ? [] : [requiredField('spec.containers')]),
    ...nameCauses('spec.containers', namesOf(containers)),
    ...containers.flatMap((container, i) => containerCauses(container, `spec.containers[${i}]`, volumes)),
  ]
}

function containerCauses({ image, env, volumeMounts }: Fields, path: string, volumes: readonly unknown[]): Cause[] {
  return [
    ...(image ? [] : [requiredField(`${path}.image`)]),
    ...listOf(env).flatMap((variable, i) => variableCauses(variable, `${path}.env[${i}]`)),
    ...listOf(volumeMounts).flatMap((mount, i) => mountCauses(mount, `${path}.volumeMounts[${i}]`, volumes)),
  ]
}

function variableCauses({ name, value, valueFrom }: Fields, path: string): Cause[] {
  if (value !== undefined && value !== null && typeof value !== 'string')
    throw badRequest(`${path}.value: cannot unmarshal ${typeof value} into a field of type string`)
  const isBoth = !!value && isFields(valueFrom)
  return [
    ...(name ? [] : [requiredField(`${path}.name`)]),
    ...(name && !VARIABLE.test(String(name)) ? [wrong(`${path}.name`, name, 'must be printable, without "="')] : []),
    ...(isBoth ? [wrong(`${path}.valueFrom`, '', 'may not be specified when `value` is not empty')] : []),
  ]
}

function mountCauses({ name, mountPath }: Fields, path: string, volumes: readonly unknown[]): Cause[] {
  return [
    ...(volumes.includes(name)
      ? []
      : [cause('FieldValueNotFound', `${path}.name`, `Not found: ${JSON.stringify(name)}`)]),
    ...(mountPath ? [] : [requiredField(`${path}.mountPath`)]),
  ]
}

function nameCauses(path: string, names: readonly unknown[]): Cause[] {
  return names.flatMap((name, i) => {
    const field = `${path}[${i}].name`
    if (!name) return [requiredField(field)]
    if (!LABEL.test(String(name))) return [wrong(field, name, 'a lowercase RFC 1123 label is expected')]
    return names.indexOf(name) < i
      ? [cause('FieldValueDuplicate', field, `Duplicate value: ${JSON.stringify(name)}`)]
      : []
  })
}

function listOf(value: unknown): Fields[] {
  return Array.isArray(value) ? value.filter(isFields) : []
}

function namesOf(value: unknown): unknown[] {
  return listOf(value).map(({ name }) => name)
}

function wrong(field: string, value: unknown, message: string): Cause {
  return invalidValue(field, JSON.stringify(value), message)
}

function cause(reason: string, field: string, message: string): Cause {
  return { reason, field, message }
}
