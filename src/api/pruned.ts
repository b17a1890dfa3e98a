/** Prunes unknown fields as the API server does. */
import { isFields } from '../support/fields.ts'
import { ownValue } from '../support/own.ts'
import type { Schema } from './schema.ts'

/** @param onUnknown called with the path of each unknown field. @returns the value without nulls and unknown fields */
export function pruned(schema: Schema, value: unknown, path: string, onUnknown: (path: string) => void): unknown {
  if (Array.isArray(value)) {
    const { items } = schema
    return items ? value.map((one, i) => pruned(items, one, `${path}[${i}]`, onUnknown)) : value
  }
  if (!isFields(value)) return value
  const kept = Object.entries(value).flatMap(([name, field]) => {
    const at = path ? `${path}.${name}` : name
    const known = ownValue(schema.properties ?? {}, name) ?? schema.additionalProperties
    // Null is the same as an absent field, which gets the default.
    if (field === null && isFields(known)) return []
    if (isFields(known)) return [[name, pruned(known as Schema, field, at, onUnknown)]]
    if (known === true || schema['x-kubernetes-preserve-unknown-fields'] || !hasFields(schema)) return [[name, field]]
    onUnknown(at)
    return []
  })
  return Object.fromEntries(kept)
}

/** Objects without properties in the schema, such as metadata, stay unchanged. */
function hasFields(schema: Schema): boolean {
  return schema.properties !== undefined || schema.type !== 'object'
}
