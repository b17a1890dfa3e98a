/** Lists that server-side apply merges entry by entry. */
import { z } from 'zod'

/** Objects that are identified by one field. */
export function keyedList<T extends z.ZodType<object>>(entry: T, key: string, max: number) {
  return z
    .array(entry)
    .max(max)
    .refine((list) => isDistinct(list.map((one) => (one as Record<string, unknown>)[key])), `must not repeat a ${key}`)
    .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': [key] })
}

/** Distinct scalars. */
export function setOf<T extends z.ZodType<string | number>>(entry: T, max: number) {
  return z
    .array(entry)
    .max(max)
    .refine((list) => isDistinct(list), 'must not repeat an entry')
    .meta({ 'x-kubernetes-list-type': 'set' })
}

function isDistinct(list: readonly unknown[]): boolean {
  return new Set(list).size === list.length
}
