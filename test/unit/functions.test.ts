import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type FunctionFacts, readFunctions } from '../support/functions.ts'

const MAX_LINES = 55
const MAX_P90 = 17
/** Shorter bodies, such as `x => x.name`, say the same by chance. */
const MIN_BODY_CHARACTERS = 50

const functions = readFunctions()

test('functions are short', (t) => {
  const lengths = functions.filter(({ kind }) => kind !== 'expression').sort((a, b) => a.lines - b.lines)
  const at = (share: number) => lengths[Math.ceil(lengths.length * share) - 1]?.lines ?? Number.NaN
  t.diagnostic(`${lengths.length} functions: median ${at(0.5)}, p90 ${at(0.9)}, longest ${at(1)} lines`)
  assert.ok(lengths.length > 1000, 'found the functions')
  assert.ok(at(0.9) <= MAX_P90, `p90 is ${at(0.9)}`)
  const long = functions.filter(({ lines }) => lines > MAX_LINES)
  assert.deepEqual(
    long.map(({ place, lines }) => `${place} has ${lines} lines`),
    [],
  )
})

/** Constructors that store their options may be the same. */
function repeated(all: readonly FunctionFacts[]): string[] {
  const long = all.filter(({ body, kind }) => kind !== 'constructor' && body.length > MIN_BODY_CHARACTERS)
  const places = [...Map.groupBy(long, ({ body }) => body).values()]
  return places.filter((same) => same.length > 1).map((same) => same.map(({ place }) => place).join(' = '))
}

test('no two functions have the same body', (t) => {
  t.diagnostic(`${functions.length} bodies, those of expressions included`)
  assert.ok(functions.length > 3000, 'found the functions')
  assert.deepEqual(repeated(functions), [])
})

test('the check sees the same body in two files', () => {
  const body = `{ return createHash('sha256').update(bytes).digest('hex') }`
  const one = { place: 'a.ts:1', lines: 3, body, kind: 'block' } as const
  assert.deepEqual(repeated([one, { ...one, place: 'b.ts:9' }]), ['a.ts:1 = b.ts:9'])
  assert.deepEqual(repeated([one, { ...one, place: 'b.ts:9', body: '{ return true }' }]), [])
})
