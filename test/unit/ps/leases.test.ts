import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Lease } from '../../../src/contract/exchange.ts'
import { LeaseTable } from '../../../src/ps/leases.ts'

/** Leases and finishes `n` units as one worker. */
function read(table: LeaseTable, n: number, holder = 'a', from = 1) {
  return Array.from({ length: n }, (_, i) => {
    const lease = table.next(holder, from + i)
    table.done(lease)
    return lease
  })
}

test('each epoch hands out every unit once, in its own order, which depends only on the seed', () => {
  const leases = read(new LeaseTable(7, 5), 21)
  const epochs = [0, 1, 2].map((epoch) => leases.filter((lease) => lease.epoch === epoch).map(({ unit }) => unit))
  for (const units of epochs) assert.deepEqual(units.toSorted(), [0, 1, 2, 3, 4, 5, 6])
  assert.notDeepEqual(epochs[0], epochs[1])
  assert.deepEqual(read(new LeaseTable(7, 5), 21), leases)
  assert.notDeepEqual(read(new LeaseTable(7, 6), 21), leases)
})

test('the units of a worker that left are handed out first', () => {
  const table = new LeaseTable(5, 1)
  const lost = [table.next('gone', 1), table.next('gone', 2)]
  table.next('stays', 1)
  assert.equal(table.giveBack('gone'), 2)
  assert.deepEqual([table.next('stays', 2), table.next('stays', 3)], lost)
  assert.equal(table.giveBack('unknown'), 0)
})

test('a repeated request gets the same unit, because its answer may have been lost', () => {
  const table = new LeaseTable(5, 1)
  const first = table.next('a', 1)
  assert.deepEqual(table.next('a', 1), first)
  assert.notDeepEqual(table.next('a', 2), first)
  assert.equal(table.save().open.length, 2)
})

test('a unit is done once a worker has read it, even if it was given back or to another worker meanwhile', () => {
  const table = new LeaseTable(2, 1)
  const returned = table.next('slow', 1)
  table.giveBack('slow')
  table.done(returned)
  assert.deepEqual(table.save().open, [])
  const given = table.next('slow', 2)
  table.giveBack('slow')
  assert.deepEqual(table.next('quick', 1), given)
  table.done(given)
  assert.deepEqual(table.next('quick', 1), given, 'the repeated request still gets the same unit')
  table.giveBack('quick')
  assert.deepEqual(table.save().open, [])
})

test('workers that lose their connection during every lease still read whole epochs', () => {
  const turns = fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 60 })
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 8 }), fc.integer(), turns, (units, seed, order) => {
      const table = new LeaseTable(units, seed)
      const reading = new Map<string, Lease>()
      const read = new Set<string>()
      // In each turn a worker finishes or leases a unit, then the table takes back all of its leases.
      for (let turn = 0; table.epoch < 2; turn++) {
        assert.ok(turn < 1000, `stuck in epoch ${table.epoch} after ${[...read]}`)
        const worker = order[turn % order.length] ?? 'a'
        const lease = reading.get(worker)
        if (lease) {
          table.done(lease)
          read.add(`${lease.epoch}/${lease.unit}`)
          reading.delete(worker)
        } else reading.set(worker, table.next(worker, turn))
        table.giveBack(worker)
      }
      for (const { epoch, unit } of [...reading.values(), ...table.save().open]) read.add(`${epoch}/${unit}`)
      for (let unit = 0; unit < units; unit++) assert.ok(read.has(`0/${unit}`), `unit ${unit} was never read`)
    }),
  )
})

test('a table without units is refused', () => {
  assert.throws(() => new LeaseTable(0, 1), { code: 'DATA_EMPTY' })
})

test('a checkpoint with another number of units starts again at epoch 0', () => {
  const table = new LeaseTable(3, 1, { units: 5, epoch: 4, position: 2, open: [{ epoch: 4, unit: 4 }] })
  assert.deepEqual([table.epoch, table.next('a', 1).epoch], [0, 0])
})

const steps = fc.array(
  fc.record({
    worker: fc.constantFrom('a', 'b', 'c'),
    act: fc.constantFrom('next' as const, 'next' as const, 'done' as const, 'leave' as const, 'restart' as const),
  }),
  { maxLength: 80 },
)

test('with random leases, departures and restarts an epoch has every unit, and no unit is leased twice', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 6 }), fc.integer(), steps, (units, seed, acts) => {
      let table = new LeaseTable(units, seed)
      const held = new Map<string, { epoch: number; unit: number }[]>()
      const finished = new Set<string>()
      const keyOf = ({ epoch, unit }: { epoch: number; unit: number }) => `${epoch}/${unit}`
      acts.forEach(({ worker, act }, seq) => {
        const mine = held.get(worker) ?? []
        if (act === 'next') {
          const lease = table.next(worker, seq)
          const taken = [...held.values()].flat().map(keyOf)
          assert.ok(!taken.includes(keyOf(lease)) && !finished.has(keyOf(lease)), 'handed out twice')
          held.set(worker, [...mine, lease])
        } else if (act === 'done' && mine[0]) {
          table.done(mine[0])
          finished.add(keyOf(mine[0]))
          held.set(worker, mine.slice(1))
        } else if (act === 'leave') {
          assert.equal(table.giveBack(worker), mine.length)
          held.delete(worker)
        } else if (act === 'restart') {
          table = new LeaseTable(units, seed, JSON.parse(JSON.stringify(table.save())))
          held.clear()
        }
      })
      for (const worker of ['a', 'b', 'c']) table.giveBack(worker)
      const before = table.save()
      for (const lease of before.open) finished.add(keyOf(lease))
      for (let epoch = 0; epoch < before.epoch; epoch++)
        for (let unit = 0; unit < units; unit++)
          assert.ok(finished.has(`${epoch}/${unit}`), `${epoch}/${unit} was lost`)
    }),
  )
})
