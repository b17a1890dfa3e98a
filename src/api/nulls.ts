/** Where null says the same as no field. */
import { ownValue } from '../support/own.ts'
import { isFields } from './resolve.ts'
import type { Schema } from './schema.ts'

/**
 * As the API server drops nulls: of fields that the schema names and of entries of its maps, also inside lists. Elsewhere
 * null is a value: an entry of a list, a field that nobody knows, anything in a free-form object.
 */
export function withoutNulls(schema: Schema, value: unknown): unknown {
  const { items, properties = {}, additionalProperties: others } = schema
  if (Array.isArray(value)) return items ? value.map((entry) => withoutNulls(items, entry)) : value
  if (!isFields(value)) return value
  const schemaOf = (name: string) => ownValue(properties, name) ?? (typeof others === 'object' ? others : undefined)
  const kept = Object.entries(value).filter(([name, field]) => field !== null || !schemaOf(name))
  return Object.fromEntries(kept.map(([name, field]) => [name, withoutNulls(schemaOf(name) ?? {}, field)]))
}
