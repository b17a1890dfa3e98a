import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BufferPool } from '../../../src/wire/buffer-pool.ts'

test('a buffer is exactly as long as asked, and is used again', () => {
  const pool = new BufferPool({ limitBytes: 1000 })
  const first = pool.acquire(100) as Uint8Array
  assert.equal(first.length, 100)
  pool.release(first)
  const second = pool.acquire(90) as Uint8Array
  assert.equal(second.length, 90)
  assert.equal(second.buffer, first.buffer)
})

test('above the limit nothing is given out until something comes back; then whoever waits is told', () => {
  let told = 0
  const pool = new BufferPool({ limitBytes: 100, onRoom: () => told++ })
  const first = pool.acquire(80) as Uint8Array
  assert.equal(pool.acquire(30), null)
  pool.release(first)
  assert.equal(told, 1)
  assert.equal(pool.acquire(30)?.length, 30)
})

test('one buffer is always given out, however large: a shard above the limit can still be pushed to', () => {
  const pool = new BufferPool({ limitBytes: 10 })
  const large = pool.acquire(1000) as Uint8Array
  assert.equal(large.length, 1000)
  assert.equal(pool.acquire(1), null)
})

test('those who wait get room in their turn', async () => {
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

test('what the pool did not give, or has back already, is not taken: the count stays right', () => {
  const pool = new BufferPool({ limitBytes: 100 })
  const lent = pool.acquire(60) as Uint8Array
  pool.release(Buffer.allocUnsafeSlow(60))
  assert.equal(pool.inUseBytes, 60)
  pool.release(lent)
  pool.release(lent)
  assert.equal(pool.inUseBytes, 0)
})
