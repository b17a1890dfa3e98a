/** Objects with named fields, as JSON and YAML have them. */

export type Fields = Record<string, unknown>

/** False for null and for lists. */
export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Undefined if a step of the path is missing. */
export function valueAt(fields: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((at, step) => (at as Record<PropertyKey, unknown> | null | undefined)?.[step], fields)
}

/** The fields of `from` whose names are in `keys`. */
export function pickKeys<T>(from: Readonly<Record<string, T>> | null | undefined, keys: readonly string[] = []) {
  return Object.fromEntries(Object.entries(from ?? {}).filter(([key]) => keys.includes(key)))
}
