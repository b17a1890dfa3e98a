/** Access to fields whose names come from outside: `__proto__` and `toString` are ordinary names there. */

/** Ignores inherited fields. */
export function ownValue<T>(object: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined
}

/** A plain assignment to `__proto__` would change the object's prototype instead of adding a field. */
export function setOwn(object: Record<string, unknown>, key: string, value: unknown): void {
  if (key !== '__proto__') object[key] = value
  else Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true })
}
