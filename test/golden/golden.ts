/** Compares values with golden.json, which no refactoring may change. DOWNPOUR_RECORD_GOLDEN=1 records them again. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'

const FILE = new URL('./golden.json', import.meta.url)
/** Other backends add float32 in another order, which causes smaller differences than this. */
const TOLERANCE = 1e-4

type Values = Readonly<Record<string, string | readonly number[]>>
type Golden = Record<string, Values>

/** @param exact whether numbers must be equal bit by bit, as on one and the same backend */
export function assertGolden(name: string, actual: Values, { exact = false } = {}): void {
  const golden: Golden = JSON.parse(readFileSync(FILE, 'utf8'))
  if (process.env.DOWNPOUR_RECORD_GOLDEN) return record(golden, name, actual)
  const expected = golden[name]
  assert.ok(expected, `golden.json lacks "${name}"`)
  if (exact) return assert.deepEqual(actual, expected)
  assert.deepEqual(Object.keys(actual), Object.keys(expected))
  for (const [key, value] of Object.entries(actual)) assertNear(value, expected[key] ?? [], `${name}: ${key}`)
}

function assertNear(actual: Values[string], expected: Values[string], what: string): void {
  if (typeof actual === 'string' || typeof expected === 'string') return assert.equal(actual, expected, what)
  assert.equal(actual.length, expected.length, what)
  const scale = Math.max(...expected.map(Math.abs))
  for (const [i, value] of actual.entries())
    assert.ok(
      Math.abs(value - (expected[i] ?? 0)) <= TOLERANCE * scale,
      `${what}[${i}]: ${value} is not ${expected[i]}`,
    )
}

function record(golden: Golden, name: string, actual: Values): void {
  const sorted = Object.entries({ ...golden, [name]: actual }).sort(([a], [b]) => (a < b ? -1 : 1))
  writeFileSync(FILE, `${JSON.stringify(Object.fromEntries(sorted), null, 1)}\n`)
}
