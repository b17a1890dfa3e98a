/** Compressed pushes between clients and parameter servers over sockets. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createPsMetrics } from '../../../src/metrics/ps.ts'
import { Channel } from '../../../src/wire/channel.ts'
import { type Encoding, pushBytes } from '../../../src/wire/encodings.ts'
import { makeLayout } from '../../../src/wire/layout.ts'
import type { Message } from '../../../src/wire/messages.ts'
import type { WeightsBase } from '../../../src/worker/buffers.ts'
import type { ShardClient } from '../../../src/worker/client.ts'
import { makeConfig, variable } from '../../unit/ps/fixtures.ts'
import { type Fleet, helloOf } from './harness.ts'
import { forEachTest } from './small-fleet.ts'

const ENCODINGS: readonly Encoding[] = ['fp16', 'bf16', 'int8']
/** Of the largest magnitude in a block. */
const MOST_LOST: Readonly<Record<Encoding, number>> = { fp16: 2 ** -11, bf16: 2 ** -8, int8: 1 / 254 }
const ELEMENTS = 100_000
const layout = makeLayout([variable('a', ELEMENTS), variable('b', 3), variable('m', 5, { kind: 'statistic' })])
/** No format has this value. */
const THIRD = Math.fround(1 / 3)
const PUSHES = 20

const { optimizer, async } = makeConfig()
const configOf = (compression: Encoding) => ({ optimizer, async: { ...async, compression } })
const gradientAt = (i: number) => THIRD * (1 + (i % 7))

interface Pushed {
  factor?: number
  base?: WeightsBase
}

async function push(client: ShardClient, { factor = -1, base = client.base }: Pushed = {}): Promise<string> {
  const gradient = (length: number) => Float32Array.from({ length }, (_, i) => factor * gradientAt(i))
  const gradients = new Map([
    ['a', gradient(ELEMENTS)],
    ['b', gradient(3)],
  ])
  const statistics = new Map([['m', new Float32Array(5).fill(THIRD)]])
  return (await client.push({ gradients, statistics, batches: 1, loss: 1, examples: 1, base })).result
}

/** Without printing the difference, which takes minutes for so many values. */
function assertSameBits(some: ReadonlyMap<string, Float32Array>, others: ReadonlyMap<string, Float32Array>): void {
  assert.deepEqual([...some.keys()], [...others.keys()])
  for (const [name, values] of some) {
    const different = values.findIndex((value, i) => !Object.is(value, others.get(name)?.[i]))
    assert.equal(different, -1, `${name}[${different}] differs`)
  }
}

type Disturb = (client: ShardClient, push: number, fleet: Fleet) => Promise<void> | void

describe('compressed pushes', { concurrency: false }, () => {
  const { fleetOf, later } = forEachTest()

  /** The weights after the pushes of one worker. @param disturb called before each of them */
  async function trained(
    encoding: Encoding,
    disturb: Disturb = () => {},
    servers = 2,
  ): Promise<Map<string, Float32Array>> {
    const fleet = await fleetOf(servers, configOf(encoding))
    const client = await fleet.connect(0, layout)
    await client.pull()
    for (let i = 0; i < PUSHES; i++) {
      await disturb(client, i, fleet)
      assert.ok(['applied', 'duplicate'].includes(await push(client)))
    }
    const { weights } = await client.pull()
    return new Map([...weights].map(([name, values]) => [name, values.slice()]))
  }

  for (const encoding of ENCODINGS) {
    test(`${encoding}: weights follow the sum of the gradients, and statistics are not compressed`, async () => {
      const weights = await trained(encoding)
      // As much as one push may lose, and the rounding of the sums. Without a residual each push would lose it.
      const lost = MOST_LOST[encoding] * gradientAt(6) + 1e-4
      for (const name of ['a', 'b'])
        for (const [i, weight] of (weights.get(name) ?? []).entries()) {
          const sum = PUSHES * gradientAt(i)
          assert.ok(Math.abs(weight - sum) <= lost, `${name}[${i}] is ${weight}, expected ${sum}`)
        }
      let mean = 0
      for (let i = 0; i < PUSHES; i++) mean = Math.fround(mean * 0.5 + THIRD * 0.5)
      assert.deepEqual(new Set(weights.get('m')), new Set([mean]))
    })

    test(`${encoding}: a push that is repeated over a new connection is the same`, async () => {
      const disturbed = await trained(encoding, (_, i, fleet) => {
        if (i % 5 === 1) fleet.proxies[0]?.truncateAfter(40_000, 'request')
        // The push arrives, and its answer is lost.
        if (i % 5 === 3) fleet.proxies[0]?.truncateAfter(10, 'response')
      })
      assertSameBits(disturbed, await trained(encoding))
    })

    test(`${encoding}: a push that is refused, or not finite, changes no later one`, async () => {
      const disturbed = await trained(encoding, async (client, i) => {
        const base = client.base.map(({ version }) => ({ version, incarnation: 0 }))
        if (i % 4 === 1) assert.equal(await push(client, { factor: -2.7, base }), 'incarnation')
        if (i % 4 === 2) assert.equal(await push(client, { factor: Number.NaN }), 'nonfinite')
      })
      assertSameBits(disturbed, await trained(encoding))
    })

    test(`${encoding}: a worker that prefetches writes its next gradients while a push is under way`, async () => {
      // One server, because gradients of variables that are cut are copied at each push.
      const fleet = await fleetOf(1, configOf(encoding))
      const client = await fleet.connect(0, layout, { overlap: true })
      let [under, base]: [Promise<unknown>, WeightsBase] = [Promise.resolve(), (await client.pull()).base]
      for (let i = 0; i < PUSHES; i++) {
        const next = client.outgoing
        for (const name of ['a', 'b'])
          for (const [at] of next.get(name)?.entries() ?? []) (next.get(name) as Float32Array)[at] = -gradientAt(at)
        next.get('m')?.fill(THIRD)
        await under
        if (i > 0) base = (await client.pull()).base
        under = client.push({ gradients: next, statistics: next, batches: 1, loss: 1, examples: 1, base })
      }
      await under
      assertSameBits((await client.pull()).weights, await trained(encoding, () => {}, 1))
    })
  }

  test('take the bytes of their format', async () => {
    const lengths = { trainable: ELEMENTS + 3, statistic: 5 }
    for (const encoding of ENCODINGS) {
      const metrics = createPsMetrics()
      const fleet = await fleetOf(1, configOf(encoding), { each: () => ({ metrics }) })
      const client = await fleet.connect(0, layout)
      await client.pull()
      await push(client)
      const text = await metrics.registry.metrics()
      assert.match(text, new RegExp(`^downpour_ps_bytes_received_total ${pushBytes(lengths, encoding)}$`, 'm'))
    }
  })

  test('of several workers are applied each with the residual of its worker', async () => {
    const fleet = await fleetOf(1, configOf('int8'))
    const clients = await Promise.all([0, 1].map((index) => fleet.connect(index, layout)))
    await Promise.all(clients.map((client) => client.pull()))
    const [first, second] = clients as [ShardClient, ShardClient]
    for (let i = 0; i < PUSHES; i++) await Promise.all([push(first, { factor: 1 }), push(second, { factor: -1 })])
    const { weights } = await first.pull()
    assert.ok(
      weights.get('a')?.every((weight) => Math.abs(weight) < 1e-4),
      'their sums and residuals cancel out',
    )
  })

  test('that the job does not expect are refused when the worker connects', async () => {
    const fleet = await fleetOf(1, configOf('int8'))
    for (const compression of ['none', 'fp16'] as const)
      await assert.rejects(fleet.connect(0, layout, { compression }), {
        code: 'COMPRESSION_MISMATCH',
        message: `worker 0 pushes gradients with the compression ${compression}, job tiny has async.compression int8: all pods need the same image and spec`,
      })
  })

  test('in a format that does not exist are refused', async () => {
    const fleet = await fleetOf(1, configOf('int8'))
    const to = { host: '127.0.0.1', port: fleet.proxies[0]?.target ?? 0 }
    const heard: Message[] = []
    const onMessage = (message: Message) => void heard.push(message)
    const channel = await Channel.connect(to, { heartbeatMs: 9000, silenceMs: 9000, onMessage })
    later(async () => channel.destroy())
    const hello = { ...helloOf(0, layout), compression: 'int4' as 'int8' }
    await assert.rejects(channel.request(hello), { code: 'WIRE_CLOSED' })
    const [refused] = heard as [Message<'refused'>]
    assert.equal(refused.code, 'FRAME_BAD_HEADER')
    assert.match(refused.message, /hello message: compression: .*"fp16"\|"bf16"\|"int8"/)
  })
})
