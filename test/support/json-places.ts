/** @returns the path of every value in a JSON document, as lists of keys; the empty list is the document itself */
export function placesIn(json: unknown, at: string[] = []): string[][] {
  if (json === null || typeof json !== 'object') return [at]
  return [at, ...Object.entries(json).flatMap(([key, value]) => placesIn(value, [...at, key]))]
}
