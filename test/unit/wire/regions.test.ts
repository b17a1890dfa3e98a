import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Region, Regions, regionBytes, standAlone } from '../../../src/wire/regions.ts'
import { checksumOf } from '../../../src/wire/scan.ts'

const CAPACITY = 100

function regionsOf(count: number): Regions {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 })
  return new Regions(memory, 64, CAPACITY, count)
}

function acquired(regions: Regions, bytes = CAPACITY): Region {
  const region = regions.acquire(bytes)
  assert.ok(region)
  return region
}

test('regions do not overlap, and have exactly the requested length', () => {
  const regions = regionsOf(3)
  const all = [60, 100, 1].map((bytes) => acquired(regions, bytes))
  all.forEach(({ bytes }, i) => void bytes.fill(i + 1))
  for (const region of all) region.finish()
  assert.deepEqual(
    all.map(({ bytes }) => [bytes.length, new Set(bytes)]),
    [60, 100, 1].map((length, i) => [length, new Set([i + 1])]),
  )
  assert.equal(regionBytes(CAPACITY) % 64, 0)
  assert.throws(() => standAlone(16).open(17), RangeError)
})

test('a region is reused, the one with the lowest position first, so that the others stay out of memory', () => {
  const regions = regionsOf(3)
  const [first, second] = [acquired(regions), acquired(regions)]
  const positions = [first.position, second.position]
  regions.release(second.bytes)
  regions.release(first.bytes)
  assert.deepEqual(
    [acquired(regions), acquired(regions)].map(({ position }) => position),
    positions,
  )
})

test('without a free region none is given out until one is released; then onRoom is called', () => {
  const regions = regionsOf(1)
  let calls = 0
  regions.onRoom = () => calls++
  const region = acquired(regions)
  assert.equal(regions.acquire(1), null)
  regions.release(region.bytes)
  assert.equal(calls, 1)
  assert.ok(regions.acquire(1))
})

test('waiting requests get regions in their order, before others', async () => {
  const regions = regionsOf(1)
  const first = await regions.take(90)
  const order: string[] = []
  const [second, third] = [regions.take(90), regions.take(5)]
  second.then(() => order.push('second'))
  third.then(() => order.push('third'))
  assert.equal(regions.waiting, 2)
  regions.onRoom = () => assert.equal(regions.acquire(1), null)
  regions.release(first.bytes)
  regions.release((await second).bytes)
  await third
  assert.deepEqual(order, ['second', 'third'])
  assert.equal(regions.waiting, 0)
})

test('a foreign body, and one that was already released, changes nothing', () => {
  const regions = regionsOf(2)
  const region = acquired(regions)
  regions.release(new Uint8Array(CAPACITY))
  assert.equal(regions.holding(new Uint8Array(CAPACITY)), undefined)
  assert.equal(regions.holding(region.bytes), region)
  assert.equal(regions.inUse, 1)
  regions.release(region.bytes)
  regions.release(region.bytes)
  assert.equal(regions.inUse, 0)
  assert.ok(acquired(regions) && acquired(regions) && regions.acquire(1) === null, 'two, and not three')
})

test('a copy has the bytes and the checksum of what was copied', () => {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 })
  const regions = new Regions(memory, 1024, CAPACITY, 1)
  for (const length of [1, 16, 37, 64, 100]) {
    const original = new Uint8Array(memory.buffer, 128, length).map((_, i) => i * 3 + length)
    new Uint8Array(memory.buffer, 128, length).set(original)
    const copy = acquired(regions).copyFrom(128, length)
    assert.deepEqual([...copy.bytes], [...original])
    assert.equal(copy.checksum, checksumOf(original))
    regions.release(copy.bytes)
  }
})
