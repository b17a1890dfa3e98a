import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BufferPool } from '../../../src/wire/buffer-pool.ts'

test('a buffer has exactly the requested length, and is reused', () => {
  const pool = new BufferPool({ limitBytes: 1000 })
  const first = pool.acquire(100) as Uint8Array
  assert.equal(first.length, 100)
  pool.release(first)
  const second = pool.acquire(90) as Uint8Array
  assert.equal(second.length, 90)
  assert.equal(second.buffer, first.buffer)
})

test('above the limit no buffer is given out until one is returned; then onRoom is called', () => {
  let roomCalls = 0
  const pool = new BufferPool({ limitBytes: 100, onRoom: () => roomCalls++ })
  const first = pool.acquire(80) as Uint8Array
  assert.equal(pool.acquire(30), null)
  pool.release(first)
  assert.equal(roomCalls, 1)
  assert.equal(pool.acquire(30)?.length, 30)
})

test('one buffer of any size is always given out, so that a shard above the limit still gets pushes', () => {
  const pool = new BufferPool({ limitBytes: 10 })
  const large = pool.acquire(1000) as Uint8Array
  assert.equal(large.length, 1000)
  assert.equal(pool.acquire(1), null)
})

test('waiting requests get buffers in their order', async () => {
  const pool = new BufferPool({ limitBytes: 100 })
  const first = await pool.take(90)
  const order: string[] = []
  const [large, small] = [pool.take(90), pool.take(5)]
  large.then(() => order.push('large'))
  small.then(() => order.push('small'))
  assert.equal(pool.waiting, 2)
  pool.release(first)
  pool.release(await large)
  await small
  assert.deepEqual(order, ['large', 'small'])
  assert.equal(pool.waiting, 0)
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
