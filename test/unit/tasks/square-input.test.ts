import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseSquareInput } from '../../../src/tasks/square-input.ts'

test('absent fields have the defaults of the paper', () => {
  assert.deepEqual(parseSquareInput({ flip: false }), {
    resizePixels: 340,
    cropPixels: 299,
    flip: false,
    resizeFilter: 'lanczos3',
  })
})

test('a crop larger than the image, and fields of another task, are refused by name', () => {
  const refusal = (message: RegExp) => ({ code: 'CONFIG_INVALID', message })
  assert.throws(
    () => parseSquareInput({ cropPixels: 341 }),
    refusal(/cropPixels: 341: expected at most resizePixels, 340/),
  )
  assert.throws(() => parseSquareInput({ longSide: 9 }), refusal(/longSide/))
})
