/** What an API server makes of fields that a schema does not name. */
import { ownValue } from '../support/own.ts'
import { isFields } from './resolve.ts'
import type { Schema } from './schema.ts'

/** Without nulls, and without unknown fields. @param onUnknown is told the path of each field that the schema does not name. @returns the value without them */
export function pruned(schema: Schema, value: unknown, path: string, onUnknown: (path: string) => void): unknown {
  if (Array.isArray(value)) {
    const { items } = schema
    return items ? value.map((one, i) => pruned(items, one, `${path}[${i}]`, onUnknown)) : value
  }
  if (!isFields(value)) return value
  const kept = Object.entries(value).flatMap(([name, field]) => {
    const at = path ? `${path}.${name}` : name
    const known = ownValue(schema.properties ?? {}, name) ?? schema.additionalProperties
    // Nothing is the same as no field; a default takes its place.
    if (field === null && isFields(known)) return []
    if (isFields(known)) return [[name, pruned(known as Schema, field, at, onUnknown)]]
    if (known === true || schema['x-kubernetes-preserve-unknown-fields'] || !hasFields(schema)) return [[name, field]]
    onUnknown(at)
    return []
  })
  return Object.fromEntries(kept)
}

/** An object of which the schema says nothing else, such as metadata, is left alone. A number or a text has no fields. */
function hasFields(schema: Schema): boolean {
  return schema.properties !== undefined || schema.type !== 'object'
}
