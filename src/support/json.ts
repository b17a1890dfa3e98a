/** JSON that somebody else wrote, within bounds: what walks it, walks by recursion. */
import { DownpourError } from './errors.ts'
import { MAX_DEPTH, MAX_NODES } from './yaml-bounds.ts'

/** @throws SyntaxError; DownpourError JSON_TOO_DEEP, JSON_TOO_LARGE */
export function readJson(text: string): unknown {
  const value: unknown = JSON.parse(text)
  checkShape(value)
  return value
}

/** Level by level, so that no depth is too deep for the check. @throws DownpourError JSON_TOO_DEEP, JSON_TOO_LARGE */
export function checkShape(value: unknown): void {
  let nodes = 0
  let level = [value]
  for (let depth = 0; level.length > 0; depth++) {
    // A scalar is of depth 0, as in YAML.
    if (depth > MAX_DEPTH) throw new DownpourError('JSON_TOO_DEEP', `nested more than ${MAX_DEPTH} levels deep`)
    nodes += level.length
    if (nodes > MAX_NODES) throw new DownpourError('JSON_TOO_LARGE', `more than ${MAX_NODES} values`)
    level = level.flatMap((one) => (typeof one === 'object' && one !== null ? Object.values(one) : []))
  }
}
