/** Values that a schema allows, and values just beyond its limits, where two validators most likely disagree. */
import type { Schema } from '../../src/api/schema.ts'
import type { Random } from '../../src/support/random.ts'

type Bounded = Schema & {
  minLength?: number
  maxLength?: number
  maxItems?: number
  exclusiveMinimum?: boolean
  exclusiveMaximum?: boolean
}

const INT32 = 2 ** 31 - 1
const MAX_DEPTH = 6
/** For every pattern of a field, at least one of these matches. */
const TEXTS = [
  'a', 'a-1', 'x1', 'a.b', 'example.com/a', '/a', '/a/b', 'a/b', 'A', '1', '1Gi', '500m', 'metadata.name',
  "metadata.labels['a']", 'train-*', 'registry.example.com/a:1', 's0',
] // biome-ignore format: one list

export function pick<T>(list: readonly T[], random: Random): T {
  return list[random.int(list.length)] as T
}

/** @returns a value that the field may have, sometimes one at a limit; undefined if the schema has no type */
export function valueWithin(schema: Schema, random: Random, depth = 0): unknown {
  const { properties, items, additionalProperties: others } = schema
  if (schema.enum) return pick(schema.enum, random)
  if (schema['x-kubernetes-int-or-string']) return pick([0, 1, 2, '1', '2', '1Gi', '500m', '1e3'], random)
  switch (schema.type) {
    case 'boolean':
      return random.int(2) === 0
    case 'integer':
    case 'number':
      return numberWithin(schema, random)
    case 'string':
      return textWithin(schema, random)
    case 'array':
      return depth > MAX_DEPTH || !items ? [] : listOf(items, 1 + random.int(2), random, depth)
    case 'object':
      if (properties) return fieldsWithin(schema, random, depth)
      return typeof others === 'object' ? { [pick(TEXTS, random)]: valueWithin(others, random, depth + 1) } : {}
    default:
      return undefined
  }
}

/** @returns a value just beyond a limit of the field; undefined if the schema sets no limit */
export function valueBeyond(schema: Bounded, random: Random): unknown {
  const { minimum, maximum, maxLength, maxItems, maxProperties, exclusiveMinimum, exclusiveMaximum, items } = schema
  const all = [
    ...(minimum === undefined ? [] : [exclusiveMinimum ? minimum : minimum - 1]),
    ...(maximum === undefined ? [] : [exclusiveMaximum ? maximum : maximum + 1]),
    ...(maxLength === undefined ? [] : ['a'.repeat(maxLength + 1)]),
    ...(maxItems === undefined || !items ? [] : [listOf(items, maxItems + 1, random, MAX_DEPTH)]),
    ...(maxProperties === undefined ? [] : [entries(schema, maxProperties + 1, random)]),
    ...(schema.required ? [{}] : []),
  ]
  return all.length === 0 ? undefined : pick(all, random)
}

/** @returns a field that the object may have and lacks; undefined if it has all */
export function absentField(schema: Schema, object: object, random: Random): string | undefined {
  const absent = Object.keys(schema.properties ?? {}).filter((name) => !Object.hasOwn(object, name))
  return absent.length === 0 ? undefined : pick(absent, random)
}

export function schemaAt({ properties = {}, items, additionalProperties: others }: Schema, key: string | number) {
  if (typeof key === 'number') return items
  return Object.hasOwn(properties, key) ? properties[key] : typeof others === 'object' ? others : undefined
}

function numberWithin(schema: Bounded, random: Random): number {
  const { type, minimum = 0, maximum = INT32, exclusiveMinimum, exclusiveMaximum } = schema
  const unit = type === 'integer' ? 1 : (maximum - minimum) / 1e6
  const lowest = exclusiveMinimum ? minimum + unit : minimum
  const highest = exclusiveMaximum ? maximum - unit : maximum
  const between = lowest + random.next() ** 4 * (highest - lowest)
  return pick(
    [lowest, Math.min(lowest + unit, highest), highest, type === 'integer' ? Math.floor(between) : between],
    random,
  )
}

function textWithin({ pattern = '', maxLength = 40 }: Bounded, random: Random): string | undefined {
  const isAllowed = (text: string) => [...text].length <= maxLength && new RegExp(pattern).test(text)
  const long = ['a'.repeat(maxLength), `/${'a'.repeat(maxLength - 1)}`, '😀'.repeat(maxLength)]
  const allowed = [...TEXTS, ...long].filter(isAllowed)
  return allowed.length === 0 ? undefined : pick(allowed, random)
}

function listOf(items: Schema, length: number, random: Random, depth: number): unknown[] {
  return Array.from({ length }, () => valueWithin(items, random, depth + 1))
}

function entries({ additionalProperties: others }: Schema, count: number, random: Random): object {
  const value = typeof others === 'object' ? others : {}
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`example.com/k${i}`, valueWithin(value, random)]))
}

function fieldsWithin({ properties = {}, required = [] }: Schema, random: Random, depth: number): object {
  const wanted = Object.entries(properties).filter(([name]) => required.includes(name) || random.int(depth + 3) === 0)
  return Object.fromEntries(wanted.map(([name, field]) => [name, valueWithin(field, random, depth + 1)]))
}
