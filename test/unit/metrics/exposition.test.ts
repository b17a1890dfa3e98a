import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Gauge, Registry } from 'prom-client'
import { exposition } from '../../../src/metrics/exposition.ts'

/** A registry with one gauge, whose value is the number of times that it was read. */
function counted(collect: () => void = () => {}) {
  const registry = new Registry()
  let reads = 0
  const gauge = new Gauge({
    ...{ name: 'reads', help: 'How often this was read.', registers: [registry] },
    collect() {
      this.set(++reads)
      collect()
    },
  })
  const clock = { nowMs: 0, monotonicMs: () => clock.nowMs }
  return { registry, gauge, clock, metrics: exposition(registry, clock) }
}

test('the text is that of the registry', async () => {
  const { registry, metrics } = counted()
  new Gauge({ name: 'other', help: 'Another one.', labelNames: ['a'], registers: [registry] }).set({ a: 'b' }, 1)
  const text = await metrics.metrics()
  assert.equal(text, (await registry.metrics()).replace('reads 2', 'reads 1'))
  assert.equal(metrics.contentType, registry.contentType)
})

test('all who ask within a second share one text, and the next one gets a new one', async () => {
  const { clock, metrics } = counted()
  const texts = await Promise.all(Array.from({ length: 100 }, () => metrics.metrics()))
  assert.deepEqual([...new Set(texts)].length, 1)
  clock.nowMs = 999
  assert.match(await metrics.metrics(), /^reads 1$/m)
  clock.nowMs = 1000
  assert.match(await metrics.metrics(), /^reads 2$/m)
})

test('a text that takes longer than a second is not started twice', async () => {
  const { clock, metrics } = counted()
  const first = metrics.metrics()
  clock.nowMs = 5000
  assert.equal(await metrics.metrics(), await first)
})

test('a failure is passed on once, and the next one who asks gets a text', async () => {
  let fails = true
  const { metrics } = counted(() => {
    if (fails) throw new Error('not readable')
  })
  await assert.rejects(metrics.metrics(), /not readable/)
  fails = false
  assert.match(await metrics.metrics(), /^reads 2$/m)
})

test('other work runs between two metrics', async () => {
  const { registry, metrics } = counted()
  const order: string[] = []
  new Gauge({
    ...{ name: 'second', help: 'Read after the first.', registers: [registry] },
    collect: () => void order.push('second'),
  })
  const text = metrics.metrics()
  setImmediate(() => order.push('other work'))
  await text
  assert.deepEqual(order, ['other work', 'second'])
})
