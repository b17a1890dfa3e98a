import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { drawInitial } from '../../../src/ps/initial.ts'
import type { VariableSpec } from '../../../src/support/variables.ts'
import { variable } from './fixtures.ts'

const SIZE = 100

function draw(init: VariableSpec['init'], start: number, length: number): Float32Array {
  const values = new Float32Array(length)
  drawInitial({ ...variable('conv/weights', SIZE, { init }), offset: 0, start, length }, 3, values)
  return values
}

const initializers = fc.constantFrom<VariableSpec['init']>(
  { type: 'zeros' },
  { type: 'ones' },
  { type: 'constant', value: -4 },
  { type: 'normal', stddev: 0.1 },
)

test('a part of a variable is drawn as its range of the whole variable', () => {
  fc.assert(
    fc.property(initializers, fc.nat(SIZE - 1), fc.nat(SIZE), (init, start, atMost) => {
      const length = Math.min(atMost, SIZE - start)
      assert.deepEqual(draw(init, start, length), draw(init, 0, SIZE).subarray(start, start + length))
    }),
  )
})
