/** Fields under names that somebody else chose: `__proto__` and `toString` are names like any other. */

/** What the object itself holds; nothing that every object inherits. */
export function ownValue<T>(object: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined
}

/** An assignment to `__proto__` would change what the object inherits instead of what it holds. */
export function setOwn(object: Record<string, unknown>, key: string, value: unknown): void {
  if (key !== '__proto__') object[key] = value
  else Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true })
}
