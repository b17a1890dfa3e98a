/** Checks that JSON Schema cannot express: for zod, and in CEL for the API server, with the same message. */
import { z } from 'zod'
import type { Validation } from './schema.ts'

export interface Check<T> {
  message: string
  holds(value: T): boolean
  /** The same in CEL; `self` is the value. */
  cel: string
}

const VALIDATIONS = 'x-kubernetes-validations'

/** @returns the type with the checks added; the CRD contains their CEL */
export function checked<T extends z.ZodType>(type: T, ...checks: readonly Check<z.output<T>>[]): T {
  const meta = type.meta() ?? {}
  const refined = checks.reduce<z.ZodType>((one, { holds, message }) => one.refine(holds as never, message), type)
  const before = (meta[VALIDATIONS] ?? []) as Validation[]
  const added = checks.map(({ cel, message }): Validation => ({ rule: cel, message }))
  return refined.meta({ ...meta, [VALIDATIONS]: [...before, ...added] }) as T
}

/** A map with at most `max` entries. Without a bound the API server refuses CEL rules over its keys as too expensive. */
export function mapOf<T extends z.ZodType>(
  value: T,
  max: number,
  ...checks: readonly Check<Record<string, z.output<T>>>[]
) {
  const map = z
    .record(z.string(), value)
    .refine((entries) => Object.keys(entries).length <= max, `must have at most ${max} entries`)
    .meta({ maxProperties: max })
  return checked(map, ...(checks as readonly Check<unknown>[]))
}

/** A text of at most `max` characters, counted as the API server does. JavaScript counts some, such as emoji, as two. */
export function text(max: number) {
  return z
    .string()
    .refine((value) => value.length <= max || [...value].length <= max, `must have at most ${max} characters`)
    .meta({ maxLength: max })
}

/** A pattern as a CEL literal. */
export function celPattern(pattern: RegExp): string {
  return `'${pattern.source.replaceAll('\\/', '/').replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}
