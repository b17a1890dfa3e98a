/**
 * Validates an object by its CRD as an API server does: defaults, schema, list keys, CEL rules. It implements only what
 * our CRDs use; Kubernetes' own library (apiextensions-apiserver 1.34) gave equal results for the same cases.
 */
import { Environment } from '@marcbachmann/cel-js'
import { crdFor } from '../../src/api/crd.ts'
import { compareQuantities, isMultiple, wholeQuantity } from '../../src/api/quantities.ts'
import type { Schema } from '../../src/api/schema.ts'
import type { JobKind } from '../../src/contract/names.ts'
import { hasType } from '../../src/local/store/schema.ts'

interface Validation {
  rule: string
  message: string
  fieldPath?: string
}

class Quantity {
  readonly written: string
  constructor(written: string) {
    this.written = written
  }
}

/** Kubernetes adds isSorted, sum and quantities to CEL through its own libraries. */
const cel = new Environment({ unlistedVariablesAreDyn: true, limits: { maxAstNodes: 10_000 } })
  .registerFunction('list.isSorted(): bool', (list: readonly (bigint | number)[]) =>
    list.every((value, i) => i === 0 || (list[i - 1] as bigint) <= value),
  )
  .registerFunction('list.sum(): int', (list: readonly bigint[]) => list.reduce((sum, value) => sum + value, 0n))
  .registerType('Quantity', Quantity)
  .registerFunction('quantity(string): Quantity', (written: string) => new Quantity(written))
  .registerFunction('Quantity.compareTo(Quantity): int', (a: Quantity, b: Quantity) =>
    BigInt(compareQuantities(a.written, b.written)),
  )
  .registerFunction('Quantity.isInteger(): bool', ({ written }: Quantity) => isMultiple(written, '1'))
  .registerFunction('Quantity.asInteger(): int', ({ written }: Quantity) => wholeQuantity(written))

/** @returns `field: message` lines; empty if an API server would store the object */
export function crdIssues(kind: JobKind, object: unknown, before?: unknown): string[] {
  const schema = crdFor(kind).spec.versions[0]?.schema.openAPIV3Schema as Schema
  const [stored, old] = [object, before].map((one) => one && withDefaults(schema, JSON.parse(JSON.stringify(one))))
  const issues = schemaIssues(schema, stored, '')
  return issues.length > 0 ? issues : celIssues(schema, stored, old, '')
}

function withDefaults(schema: Schema, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((entry) => withDefaults(schema.items as Schema, entry))
  if (!isObject(value)) return value
  dropNulls(schema, value)
  for (const [name, field] of Object.entries(schema.properties ?? {}) as [string, Schema & { default?: unknown }][]) {
    if (value[name] === undefined && field.default !== undefined) value[name] = field.default
    if (value[name] !== undefined) value[name] = withDefaults(field, value[name])
  }
  return value
}

/** Removes null fields that the schema names, and null entries of maps; elsewhere null is a value. */
function dropNulls({ properties = {}, additionalProperties }: Schema, value: Record<string, unknown>): void {
  for (const name of Object.keys(value)) {
    const isNamed = Object.hasOwn(properties, name) || isObject(additionalProperties)
    if (value[name] === null && isNamed) delete value[name]
  }
}

function schemaIssues(schema: Schema, value: unknown, path: string): string[] {
  if (!hasType(schema, value)) return [`${path}: must be of type ${schema.type ?? 'integer or string'}`]
  if (schema.enum && !schema.enum.includes(value)) return [`${path}: Unsupported value`]
  const own = valueIssues(schema, value).map((message) => `${path}: ${message}`)
  if (Array.isArray(value)) {
    return [...own, ...value.flatMap((entry, i) => schemaIssues(schema.items as Schema, entry, `${path}[${i}]`))]
  }
  if (!isObject(value)) return own
  const entries = Object.keys(value).length
  if (entries > (schema.maxProperties ?? entries)) own.push(`${path}: Too many: ${entries}`)
  const missing = (schema.required ?? []).filter((name) => value[name] === undefined)
  return [
    ...own,
    ...missing.map((name) => `${path}.${name}: Required value`),
    ...Object.entries(value).flatMap(([name, field]) => fieldIssues(schema, name, field, `${path}.${name}`)),
  ]
}

function fieldIssues(schema: Schema, name: string, value: unknown, path: string): string[] {
  const known = schema.properties?.[name] ?? schema.additionalProperties
  if (isObject(known)) return schemaIssues(known as Schema, value, path)
  // The API server checks metadata by itself; the CRD only restricts the name.
  if (schema['x-kubernetes-preserve-unknown-fields'] || path.startsWith('.metadata.')) return []
  return [`${path}: unknown field`]
}

function valueIssues(schema: Schema, value: unknown): string[] {
  const limits = schema as Record<string, unknown>
  const breaks = (limit: string, broken: (bound: number) => boolean) =>
    limits[limit] !== undefined && broken(limits[limit] as number) ? [`breaks ${limit} ${limits[limit]}`] : []
  if (typeof value === 'number') {
    return [
      ...breaks('minimum', (bound) => value < bound || (limits.exclusiveMinimum === true && value === bound)),
      ...breaks('maximum', (bound) => value > bound || (limits.exclusiveMaximum === true && value === bound)),
    ]
  }
  if (typeof value === 'string') {
    const matches = schema.pattern === undefined || new RegExp(schema.pattern).test(value)
    return [
      ...breaks('minLength', (bound) => [...value].length < bound),
      ...breaks('maxLength', (bound) => [...value].length > bound),
      ...(matches ? [] : ['does not match the pattern']),
    ]
  }
  if (Array.isArray(value)) {
    const keys = schema['x-kubernetes-list-map-keys'] as string[] | undefined
    const isSet = keys !== undefined || schema['x-kubernetes-list-type'] === 'set'
    const texts = value.map((entry) => JSON.stringify(keys ? keys.map((key) => entry?.[key]) : entry))
    return [
      ...breaks('maxItems', (bound) => value.length > bound),
      ...breaks('minItems', (bound) => value.length < bound),
      ...(isSet && new Set(texts).size < texts.length ? ['Duplicate value'] : []),
    ]
  }
  return []
}

function celIssues(schema: Schema, value: unknown, old: unknown, path: string): string[] {
  const rules = (schema['x-kubernetes-validations'] ?? []) as Validation[]
  const context = { self: celValue(schema, value), oldSelf: celValue(schema, old) }
  const own = rules
    .filter(({ rule }) => old !== undefined || !rule.includes('oldSelf'))
    .filter(({ rule }) => cel.evaluate(rule, context) !== true)
    .map(({ message, fieldPath = '' }) => `${path}${fieldPath}: ${message}`)
  const inner = Array.isArray(value)
    ? value.flatMap((entry, i) => celIssues(schema.items as Schema, entry, undefined, `${path}[${i}]`))
    : isObject(value)
      ? Object.entries(value).flatMap(([name, field]) => {
          const known = schema.properties?.[name]
          const before = isObject(old) ? old[name] : undefined
          return known ? celIssues(known, field, before, `${path}.${name}`) : []
        })
      : []
  return [...own, ...inner]
}

/** Converts integers of the schema to bigint, which CEL treats as int. */
function celValue(schema: Schema | undefined, value: unknown): unknown {
  if (schema?.type === 'integer' && Number.isInteger(value)) return BigInt(value as number)
  if (Array.isArray(value)) return value.map((entry) => celValue(schema?.items, entry))
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [name, celValue(schema?.properties?.[name], field)]),
  )
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
