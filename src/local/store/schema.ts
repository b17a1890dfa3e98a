/** Applies the schema of a CRD: fills in defaults, checks types and enums. */
import { crdFor } from '../../api/crd.ts'
import type { Schema } from '../../api/schema.ts'
import { JOB_KINDS, type JobKind } from '../../contract/names.ts'
import { isFields } from '../../support/fields.ts'
import { type Cause, notSupported, requiredField } from './causes.ts'
import type { Resource } from './resources.ts'

type DefaultedSchema = Schema & { default?: unknown }

const SCHEMAS = new Map<string, Schema>()

/** @returns undefined for built-in kinds */
export function schemaOf({ kind }: Resource): Schema | undefined {
  const jobKind = JOB_KINDS.find((one) => one === kind)
  return jobKind && cachedSchema(jobKind)
}

function cachedSchema(kind: JobKind): Schema {
  const schema = SCHEMAS.get(kind) ?? (crdFor(kind).spec.versions[0]?.schema.openAPIV3Schema as Schema)
  SCHEMAS.set(kind, schema)
  return schema
}

export function withDefaults(schema: Schema, value: unknown): unknown {
  if (Array.isArray(value)) return schema.items ? value.map((one) => withDefaults(schema.items as Schema, one)) : value
  if (!isFields(value)) return value
  const filled = { ...value }
  for (const [name, field] of Object.entries(schema.properties ?? {}) as [string, DefaultedSchema][]) {
    if (filled[name] === undefined && field.default !== undefined) filled[name] = structuredClone(field.default)
    if (filled[name] !== undefined) filled[name] = withDefaults(field, filled[name])
  }
  return filled
}

/** Wrong types, missing fields, and values outside an enum. */
export function typeCauses(schema: Schema, value: unknown, path: string): Cause[] {
  if (value === undefined) return []
  if (!hasType(schema, value)) return [wrongType(path, value, schema.type ?? 'integer or string')]
  if (schema.enum && !schema.enum.includes(value))
    return [notSupported(path, JSON.stringify(value), schema.enum.map(String))]
  if (Array.isArray(value)) {
    const { items } = schema
    return items ? value.flatMap((one, i) => typeCauses(items, one, `${path}[${i}]`)) : []
  }
  if (!isFields(value)) return []
  const missing = (schema.required ?? []).filter((name) => value[name] === undefined)
  return [
    ...missing.map((name) => requiredField(`${path}.${name}`)),
    ...Object.entries(schema.properties ?? {}).flatMap(([name, field]) =>
      typeCauses(field, value[name], `${path}.${name}`),
    ),
  ]
}

/** Checks the type that the schema itself names, not the types of fields or items. */
export function hasType(schema: Schema, value: unknown): boolean {
  if (schema['x-kubernetes-int-or-string']) return typeof value === 'string' || Number.isInteger(value)
  switch (schema.type) {
    case 'array':
      return Array.isArray(value)
    case 'object':
      return isFields(value)
    case 'integer':
      return Number.isInteger(value)
    case undefined:
      return true
    default:
      return typeof value === schema.type
  }
}

function wrongType(field: string, value: unknown, wanted: string): Cause {
  const message = `Invalid value: "${typeName(value)}": must be of type ${wanted}`
  return { reason: 'FieldValueTypeInvalid', field, message }
}

function typeName(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  return Number.isInteger(value) ? 'integer' : typeof value
}
