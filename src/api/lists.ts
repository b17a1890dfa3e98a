/** Lists that a server merges entry by entry: the key is checked here and named to the API server in the CRD. */
import { z } from 'zod'

/** Entries are objects told apart by one field: server-side apply merges them by it. */
export function keyedList<T extends z.ZodType<object>>(entry: T, key: string, max: number) {
  return z
    .array(entry)
    .max(max)
    .refine((list) => isDistinct(list.map((one) => (one as Record<string, unknown>)[key])), `must not repeat a ${key}`)
    .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': [key] })
}

/** Scalars, each at most once. */
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
