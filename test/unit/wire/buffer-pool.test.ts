import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BufferPool } from '../../../src/wire/buffer-pool.ts'

test('above the limit no buffer is given out until one is returned; then onRoom is called', () => {
  let roomCalls = 0
  const pool = new BufferPool({ limitBytes: 100, onRoom: () => roomCalls++ })
  const first = pool.acquire(80) as Uint8Array
  assert.equal(first.length, 80)
  assert.equal(pool.acquire(30), null)
  pool.release(first)
  assert.equal(roomCalls, 1)
  assert.equal(pool.acquire(30)?.length, 30)
})

test('one buffer of any size is always given out', () => {
  const pool = new BufferPool({ limitBytes: 10 })
  const large = pool.acquire(1000) as Uint8Array
  assert.equal(large.length, 1000)
  assert.equal(pool.acquire(1), null)
})

test('a foreign buffer, or one that was already returned, does not change the count', () => {
  const pool = new BufferPool({ limitBytes: 100 })
  const lent = pool.acquire(60) as Uint8Array
  pool.release(Buffer.allocUnsafeSlow(60))
  assert.equal(pool.inUseBytes, 60)
  pool.release(lent)
  pool.release(lent)
  assert.equal(pool.inUseBytes, 0)
})
