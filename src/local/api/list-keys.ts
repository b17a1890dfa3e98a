/** Keys of lists that merge like maps: from the schema for our kinds, by the field's name for built-in kinds. */
import type { Schema } from '../../api/schema.ts'
import { ownValue } from '../../support/own.ts'
import type { Resource } from '../store/resources.ts'
import { schemaOf } from '../store/schema.ts'

/** Patch merge keys of Kubernetes' own types, for the fields that this project uses. */
const BUILT_IN: Readonly<Record<string, string>> = {
  ownerReferences: 'uid',
  conditions: 'type',
  containers: 'name',
  initContainers: 'name',
  env: 'name',
  volumes: 'name',
  volumeMounts: 'mountPath',
  ports: 'containerPort',
}

export function mergeKeyOf(field: string): string | undefined {
  return ownValue(BUILT_IN, field)
}

/** @param fields the path of the list without keys: ['status', 'conditions'] */
export function listKeysOf(resource: Resource, fields: readonly string[]): readonly string[] | undefined {
  const schema = schemaOf(resource)
  const key = mergeKeyOf(fields.at(-1) ?? '')
  if (!schema || fields[0] === 'metadata') return key ? [key] : undefined
  const at = fields.reduce<Schema | undefined>((one, field) => ownValue(inside(one)?.properties ?? {}, field), schema)
  return at?.['x-kubernetes-list-map-keys'] as string[] | undefined
}

function inside(schema: Schema | undefined): Schema | undefined {
  return schema?.items ?? schema
}
