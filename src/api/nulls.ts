/** Removes nulls that mean the same as an absent field. */
import { isFields } from '../support/fields.ts'
import { ownValue } from '../support/own.ts'
import type { Schema } from './schema.ts'

/**
 * Removes nulls as the API server does: in fields of the schema and in entries of maps, also inside lists. Elsewhere null
 * is a value: as an entry of a list, in an unknown field, and inside free-form objects.
 */
export function withoutNulls(schema: Schema, value: unknown): unknown {
  const { items, properties = {}, additionalProperties: others } = schema
  if (Array.isArray(value)) return items ? value.map((entry) => withoutNulls(items, entry)) : value
  if (!isFields(value)) return value
  const schemaOf = (name: string) => ownValue(properties, name) ?? (typeof others === 'object' ? others : undefined)
  const kept = Object.entries(value).filter(([name, field]) => field !== null || !schemaOf(name))
  return Object.fromEntries(kept.map(([name, field]) => [name, withoutNulls(schemaOf(name) ?? {}, field)]))
}
