import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SharedBatchMemory } from '../../../src/input/batch-memory.ts'

const memoryOf = ({ buffer }: Float32Array) => buffer as SharedArrayBuffer

test('memory that was given back is used again, for a batch of any size that fits', () => {
  const memory = new SharedBatchMemory()
  const [large, small] = [memory.take(100), memory.take(10)]
  memory.give(memoryOf(large))
  memory.give(memoryOf(small))
  const next = memory.take(8)
  assert.equal(next.length, 8)
  assert.equal(next.buffer, small.buffer, 'the smallest that is large enough')
  assert.equal(memory.take(8).buffer, large.buffer)
})

test('free memory that is too small gives way to larger memory, so the number of arrays does not rise', () => {
  const memory = new SharedBatchMemory()
  memory.give(memoryOf(memory.take(10)))
  const larger = memory.take(20)
  memory.give(memoryOf(larger))
  assert.equal(memory.take(10).buffer, larger.buffer, 'the smaller one is gone')
})

test('memory that is in use is not handed out', () => {
  const memory = new SharedBatchMemory()
  assert.notEqual(memory.take(4).buffer, memory.take(4).buffer)
})
