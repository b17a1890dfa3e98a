import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Region, Regions, regionBytes, standAlone } from '../../../src/wire/regions.ts'
import { checksumOf, Scanner, STATE_BYTES } from '../../../src/wire/scan.ts'

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

test('a body that was scanned in parts has the checksum of the whole, and is finite if all parts are', () => {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 })
  const regions = new Regions(memory, 1024, CAPACITY, 1)
  const scanner = new Scanner(memory)
  for (const partBytes of [16, 32, 48, 64, 112])
    for (const length of [0, 1, 16, 37, 64, 100]) {
      const region = acquired(regions).open(length)
      const { bytes, position } = region
      bytes.set(bytes.map((_, i) => i * 3 + length))
      for (let at = 0, state = 0; at < length; at += partBytes, state += STATE_BYTES) {
        scanner.start(state)
        scanner.scan(state, position + at, Math.min(partBytes, 16 * Math.ceil((length - at) / 16)))
      }
      region.finishParts(0, partBytes)
      const whole = new Region(memory, scanner, position - regionBytes(0), CAPACITY).open(length)
      whole.finish()
      assert.deepEqual(
        [region.checksum, region.isFinite],
        [checksumOf(bytes), whole.isFinite],
        `${length} in ${partBytes}`,
      )
      regions.release(bytes)
    }
})
