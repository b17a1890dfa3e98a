/**
 * Converts zod's JSON Schema into the structural schema of a CRD: every field has one type, unions become one object,
 * there are no references, and unknown fields are pruned (or refused by kubectl).
 */
import { z } from 'zod'
import { MAX_INT } from '../contract/training.ts'
import { DownpourError } from '../support/errors.ts'
import { widest } from './bounds.ts'
import type { Schema } from './schema.ts'
import { mergeVariants } from './variants.ts'

const PRESERVE = { 'x-kubernetes-preserve-unknown-fields': true } as const

/** @throws DownpourError BUG_NOT_STRUCTURAL for a type without a structural form; the message contains its path */
export function structuralSchema(type: z.ZodType): Schema {
  return structural(z.toJSONSchema(type, { target: 'openapi-3.0', io: 'input' }) as Schema, '')
}

function structural(schema: Schema, path: string): Schema {
  refuseUnsayable(schema, path)
  if (schema.anyOf) return isOneType(schema.anyOf) ? ofOneType(schema, path) : quantity(schema, path)
  if (schema.oneOf) return structural(mergeVariants(schema, path), path)
  switch (schema.type) {
    case 'object':
      return object(schema, path)
    case 'array':
      return list(schema, path)
    case 'integer':
      return integer(schema)
    case 'string':
      return text(schema)
    case undefined:
      return { ...schema, ...PRESERVE }
    default:
      return schema
  }
}

/** Without defaults in entries: clients that compare lists with what they applied would see a filled field as a change. */
function list(schema: Schema, path: string): Schema {
  const items = withoutDefaults(structural(schema.items ?? {}, `${path}[]`))
  return { 'x-kubernetes-list-type': 'atomic', ...schema, items }
}

function withoutDefaults({ default: _, ...schema }: Schema): Schema {
  const properties = Object.entries(schema.properties ?? {}).map(([name, field]) => [name, withoutDefaults(field)])
  return { ...schema, ...(schema.properties ? { properties: Object.fromEntries(properties) } : {}) }
}

function object(schema: Schema, path: string): Schema {
  const { properties, additionalProperties: others, ...rest } = schema
  const inner = Object.entries(properties ?? {}).map(([name, field]) => [name, structural(field, `${path}.${name}`)])
  const own = properties ? { properties: Object.fromEntries(inner) } : {}
  if (others === undefined || others === false) return { ...rest, ...own }
  if (others === true || Object.keys(others).length === 0) return { ...rest, ...own, ...PRESERVE }
  if (properties) throw unsayable(path, 'a map beside named fields')
  return { ...rest, additionalProperties: structural(others, `${path}.*`) }
}

/** Omits zod's bounds of safe integers, which are of no use to readers. */
function integer({ minimum, maximum, ...rest }: Schema): Schema {
  const bounds = {
    ...(minimum === undefined || minimum === Number.MIN_SAFE_INTEGER ? {} : { minimum }),
    ...(maximum === undefined || maximum === Number.MAX_SAFE_INTEGER ? {} : { maximum }),
  }
  return { ...rest, ...bounds, format: (maximum ?? Number.MAX_SAFE_INTEGER) <= MAX_INT ? 'int32' : 'int64' }
}

/** Omits zod's pattern of date-time, which has 250 characters; the API server checks the format itself. */
function text({ pattern, ...rest }: Schema): Schema {
  return rest.format === 'date-time' || pattern === undefined ? rest : { ...rest, pattern }
}

/** The same field of several tasks. */
function ofOneType({ anyOf, ...rest }: Schema, path: string): Schema {
  return structural({ ...widest(anyOf as [Schema, ...Schema[]], path), ...rest }, path)
}

function isOneType(options: readonly Schema[]): boolean {
  return new Set(options.map(({ type }) => type)).size === 1
}

/** text | whole number, the only union of types that a structural schema supports. */
function quantity({ anyOf = [], ...rest }: Schema, path: string): Schema {
  const texts = anyOf.find(({ type }) => type === 'string')
  const { minimum, maximum } = anyOf.find(({ type }) => type === 'integer') ?? {}
  if (anyOf.length !== 2 || !texts || minimum === undefined || maximum === undefined) {
    throw unsayable(path, 'a union other than of text and whole number')
  }
  const { type: _, ...ofText } = texts
  const types = { anyOf: [{ type: 'integer' }, { type: 'string' }], 'x-kubernetes-int-or-string': true }
  return { ...rest, ...ofText, minimum, maximum, ...types }
}

function refuseUnsayable(schema: Schema, path: string): void {
  if ('$ref' in schema) throw unsayable(path, 'a reference')
  if ('allOf' in schema) throw unsayable(path, 'a sum of parts (two patterns, a reference)')
  if (/\(\?[=!<]/.test(schema.pattern ?? '')) throw unsayable(path, 'a lookahead')
}

function unsayable(path: string, what: string): DownpourError {
  return new DownpourError('BUG_NOT_STRUCTURAL', `${path || 'the whole'}: ${what} has no structural form`, { path })
}
