/**
 * A field that several tasks have under one name, with bounds of its own in each: the CRD has one field, whose bounds
 * admit what any of the tasks admits, and a rule for each task with narrower ones.
 */
import { isDeepStrictEqual } from 'node:util'
import { DownpourError } from '../support/errors.ts'
import type { Schema } from './schema.ts'

const BOUNDS = ['minimum', 'maximum'] as const
type Bounds = Partial<Record<(typeof BOUNDS)[number], number>>

/** @throws DownpourError BUG_NOT_STRUCTURAL: the schemas differ in more than descriptions and the bounds of numbers */
export function widest(schemas: readonly [Schema, ...Schema[]], path: string): Schema {
  const [first, ...others] = schemas
  return others.reduce((a, b) => widestOfTwo(a, b, path), first)
}

function widestOfTwo(a: Schema, b: Schema, path: string): Schema {
  if (!isDeepStrictEqual(unbounded(a), unbounded(b))) {
    throw new DownpourError('BUG_NOT_STRUCTURAL', `${path}: differs between types by more than bounds`, { path })
  }
  if (BOUNDS.every((name) => a[name] === b[name])) return a
  const { minimum: _, maximum: __, ...rest } = a
  return { ...rest, ...outer('minimum', Math.min, a, b), ...outer('maximum', Math.max, a, b) }
}

function unbounded({ minimum: _, maximum: __, description: ___, ...rest }: Schema): object {
  return rest
}

/** Without the bound where one of the two has none. */
function outer(name: keyof Bounds, choose: (a: number, b: number) => number, a: Bounds, b: Bounds): Bounds {
  const [first, second] = [a[name], b[name]]
  return first === undefined || second === undefined ? {} : { [name]: choose(first, second) }
}

export interface NarrowField {
  /** CEL over the value at `field`. */
  readonly holds: string
  /** @example 'at most 255' */
  readonly expected: string
}

/** The bounds that `own` has and `common` lacks; undefined if they are the same. @param field CEL of the value */
export function narrower(own: Schema, common: Schema, field: string): NarrowField | undefined {
  const limits = BOUNDS.flatMap((name) => {
    const limit = own[name]
    return limit === undefined || limit === common[name] ? [] : [limitOf(name, limit, own, field)]
  })
  if (limits.length === 0) return undefined
  return {
    holds: limits.map(({ holds }) => holds).join(' && '),
    expected: limits.map(({ expected }) => expected).join(' and '),
  }
}

function limitOf(name: keyof Bounds, limit: number, { type, ...own }: Schema, field: string): NarrowField {
  const isLowest = name === 'minimum'
  const isExclusive = isLowest ? own.exclusiveMinimum === true : own.exclusiveMaximum === true
  const sign = `${isLowest ? '>' : '<'}${isExclusive ? '' : '='}`
  const words = isExclusive ? (isLowest ? 'more than' : 'less than') : isLowest ? 'at least' : 'at most'
  const literal = type === 'number' && Number.isInteger(limit) ? `${limit}.0` : String(limit)
  return { holds: `${field} ${sign} ${literal}`, expected: `${words} ${limit}` }
}
