/** Bounds for JSON from outside: later code walks it by recursion, so deep input would overflow the stack. */
import { DownpourError } from './errors.ts'
import { MAX_DEPTH, MAX_NODES } from './yaml-bounds.ts'

/** @throws SyntaxError; DownpourError JSON_TOO_DEEP, JSON_TOO_LARGE */
export function readJson(text: string): unknown {
  const value: unknown = JSON.parse(text)
  checkShape(value)
  return value
}

/** Walks level by level instead of by recursion, so deep input cannot overflow it. @throws DownpourError JSON_TOO_DEEP, JSON_TOO_LARGE */
export function checkShape(value: unknown): void {
  let nodes = 0
  let level = [value]
  for (let depth = 0; level.length > 0; depth++) {
    // A scalar has depth 0, as in the bounds for YAML.
    if (depth > MAX_DEPTH) throw new DownpourError('JSON_TOO_DEEP', `nested more than ${MAX_DEPTH} levels deep`)
    nodes += level.length
    if (nodes > MAX_NODES) throw new DownpourError('JSON_TOO_LARGE', `more than ${MAX_NODES} values`)
    level = level.flatMap((one) => (typeof one === 'object' && one !== null ? Object.values(one) : []))
  }
}
