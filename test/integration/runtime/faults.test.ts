/** Faults of a parameter server's life, over real sockets: garbage, zombies, torn pushes, another number of shards. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { appendFileSync } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, test } from 'node:test'
import fc from 'fast-check'
import { findLatest } from '../../../src/checkpoint/list.ts'
import { loadCheckpoint } from '../../../src/checkpoint/load.ts'
import type { RuntimeConfig } from '../../../src/contract/runtime.ts'
import { encodeFrame } from '../../../src/wire/frames.ts'
import { makeLayout } from '../../../src/wire/layout.ts'
import type { PushReply, ShardClient } from '../../../src/worker/client.ts'
import { eventually } from '../../support/eventually.ts'
import { makeConfig, variable } from '../../unit/ps/fixtures.ts'
import { BEAT_MS, type Fleet, type FleetOptions, startFleet } from './harness.ts'

const layout = makeLayout([variable('a', 5), variable('b', 7), variable('c', 3), variable('d', 4)])
const config = makeConfig({ optimizer: { type: 'rmsprop', decay: 0.9, momentum: 0.9, epsilon: 1e-10 } })

describe('parameter servers', { concurrency: false }, () => {
  const closers: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close()
  })

  async function fleetOf(shards: number, more: Partial<RuntimeConfig> = {}, options: Partial<FleetOptions> = {}) {
    const fleet = await startFleet({ ...config, ...more }, { shards, ...options })
    closers.push(() => fleet.close())
    return fleet
  }

  async function volume(): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'downpour-volume-'))
    closers.push(() => rm(folder, { recursive: true, force: true }))
    return folder
  }

  test('are unharmed by whatever a stranger sends', async () => {
    const fleet = await fleetOf(1)
    const client = await fleet.connect(0, layout)
    await train(client, 1)
    const before = await weightsOf(client)
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.uint8Array({ maxLength: 300 }),
          fc.tuple(fc.integer({ min: 0, max: 20 }), fc.json()).map(([type, json]) => encodeFrame(type, 1, json)),
        ),
        async (bytes) => {
          const socket = connect(fleet.proxies[0]?.port ?? 0, '127.0.0.1')
          socket.on('error', () => {})
          socket.resume()
          socket.end(bytes)
          await once(socket, 'close')
        },
      ),
      { numRuns: 40 },
    )
    await client.pull()
    assert.deepEqual(await weightsOf(client), before)
    assert.equal(await train(client, 1), 'applied')
  })

  test('refuse a body from who has not said hello, before there is room for it', async () => {
    const fleet = await fleetOf(1)
    const socket = connect(fleet.proxies[0]?.port ?? 0, '127.0.0.1')
    closers.push(async () => socket.destroy())
    const push = encodeFrame(4, 1, '{"seq":1,"incarnation":1,"baseVersion":1,"loss":1,"examples":1}')
    const head = encodeFrame(4, 1, '', new Uint8Array(64 << 20)).subarray(0, 32)
    socket.write(Buffer.concat([head, push]))
    const [reply] = (await once(socket, 'data')) as [Buffer]
    assert.match(reply.toString(), /FRAME_BAD_BODY/)
  })

  test('refuse a worker of another job, model or data, with a code it can act on', async () => {
    const fleet = await fleetOf(1)
    const client = await fleet.connect(0, layout)
    await train(client, 1)
    const other = makeLayout([variable('a', 6)])
    await assert.rejects(fleet.connect(1, other), { code: 'LAYOUT_MISMATCH' })
    await assert.rejects(fleet.connect(1, layout, { dataUnits: 9 }), {
      code: 'DATA_UNITS_MISMATCH',
      message: /worker 1 sees 9 data files, the job has 4/,
    })
    assert.equal(await train(client, 1), 'applied')
  })

  test('take back the room of pushes whose connection dies in the middle, and hand their data out again', async () => {
    const oneBody = 4 * 19
    const fleet = await fleetOf(1, {}, { bufferLimitBytes: oneBody + 1 })
    const client = await fleet.connect(0, layout)
    const lease = await client.leases.next()
    for (let i = 0; i < 5; i++) {
      await client.pull()
      fleet.proxies[0]?.truncateAfter(150, 'request') // of about 185: in the body
      assert.equal((await pushOnes(client)).result, 'applied')
    }
    assert.ok((fleet.proxies[0]?.accepted ?? 0) > 5, 'the connection died each time')
    await client.close()
    const next = await fleet.connect(1, layout)
    assert.deepEqual(await next.leases.next(), lease)
  })

  test('fence a worker that comes back after another pod took its place', async () => {
    const fleet = await fleetOf(2)
    const zombie = await fleet.connect(0, layout, { podUid: 'former' })
    await train(zombie, 1)
    const lease = await zombie.leases.next()
    const heir = await fleet.connect(0, layout, { podUid: 'newer' })
    assert.deepEqual(await heir.leases.next(), lease, 'its data is handed out again')
    await assert.rejects(train(zombie, 1), { code: 'FENCED' })
    assert.equal(await train(heir, 1), 'applied')
    assert.equal(fleet.step(), 2)
  })

  test('find a silent worker in heartbeats and hand its data out again', async () => {
    const fleet = await fleetOf(1)
    const client = await fleet.connect(0, layout)
    const lease = await client.leases.next()
    fleet.proxies[0]?.blackhole('request', 'response')
    await eventually(() => assert.equal(fleet.servers[0]?.status().workersConnected, 0), { timeoutMs: 4 * BEAT_MS })
    fleet.proxies[0]?.cut()
    fleet.proxies[0]?.heal()
    const next = await fleet.connect(1, layout)
    assert.deepEqual(await next.leases.next(), lease)
  })

  test('resume with another number of shards: weights and optimizer state are equal', async () => {
    const folder = await volume()
    const first = await fleetOf(2, {}, { folder })
    const worker = await first.connect(0, layout)
    await train(worker, 5)
    const weights = await weightsOf(worker)
    await suspend(first)
    await worker.close()
    const after: unknown[] = []
    for (const shards of [2, 3, 1]) {
      const fleet = await fleetOf(shards, {}, { folder })
      const client = await fleet.connect(0, layout, { podUid: `pod-of-${shards}` })
      assert.deepEqual(await weightsOf(client), weights)
      // One more push from equal weights gives equal ones only if the optimizer's state went along.
      await train(client, 1)
      await suspend(fleet)
      after.push(await checkpointOf(folder))
      await rewind(folder)
      await client.close()
    }
    assert.deepEqual(after[1], after[0])
    assert.deepEqual(after[2], after[0])
  })

  test('save when they are told to stop, all shards together, and go on from there', async () => {
    const folder = await volume()
    const fleet = await fleetOf(2, {}, { folder })
    const client = await fleet.connect(0, layout)
    await train(client, 3)
    const before = await weightsOf(client)
    await suspend(fleet)
    await client.close()
    const { latest } = await findLatest(join(folder, config.checkpoint.path))
    assert.deepEqual([latest?.manifest.step, latest?.manifest.shards.length, latest?.manifest.final], [3, 2, false])
    const again = await fleetOf(2, {}, { folder })
    assert.deepEqual(await weightsOf(await again.connect(0, layout)), before)
  })

  test('save at exactly the steps that transfers start from, and never purge those', async () => {
    const folder = await volume()
    const checkpoint = { path: 'tiny', everySteps: 2, keep: 1, keepBest: 0, keepSteps: [3, 5] }
    const fleet = await fleetOf(2, { checkpoint }, { folder })
    await train(await fleet.connect(0, layout), 12)
    await suspend(fleet)
    const { latest } = await findLatest(join(folder, 'tiny'))
    assert.equal(latest?.manifest.step, 12)
    const names = (await readdir(join(folder, 'tiny'))).sort()
    assert.deepEqual(names, ['step-000000003', 'step-000000005', 'step-000000012'])
  })

  test('end with a final checkpoint; started again they end by themselves and leave it as it is', async () => {
    const folder = await volume()
    const fleet = await fleetOf(2, { maxSteps: 4 }, { folder })
    const client = await fleet.connect(0, layout)
    while (!client.done) {
      await client.pull()
      if (!client.done) await pushOnes(client)
    }
    await client.close()
    assert.deepEqual(await endOf(fleet), [null, null])
    const { latest } = await findLatest(join(folder, 'tiny'))
    assert.deepEqual([latest?.manifest.step, latest?.manifest.final], [4, true])
    await fleet.close()
    const again = await fleetOf(2, { maxSteps: 4 }, { folder })
    assert.deepEqual(await endOf(again), [null, null])
    assert.equal((await findLatest(join(folder, 'tiny'))).latest?.digest, latest?.digest)
  })

  test('go back to the checkpoint before a damaged one; workers that knew later weights pull anew', async () => {
    const checkpoint = { path: 'tiny', everySteps: 2, keep: 5, keepBest: 0, keepSteps: [] }
    const folder = await volume()
    const fleet = await fleetOf(1, { checkpoint }, { folder })
    const client = await fleet.connect(0, layout)
    for (const step of [2, 4]) {
      await train(client, 2)
      await eventually(async () => assert.equal(await latestStep(folder), step))
    }
    await train(client, 1)
    appendFileSync(join(folder, 'tiny', 'step-000000004', 'shard-00000-of-00001.safetensors'), 'rot')
    await fleet.restart()
    assert.equal((await pushOnes(client)).result, 'incarnation', 'computed on weights that are gone')
    assert.equal((await client.pull()).step, 2)
    assert.equal(await train(client, 2), 'applied')
    await eventually(async () => assert.equal(await latestStep(folder), 4))
  })
})

async function latestStep(folder: string): Promise<number | undefined> {
  return (await findLatest(join(folder, 'tiny'))).latest?.manifest.step
}

async function train(client: ShardClient, steps: number): Promise<string> {
  let result = 'none'
  for (let i = 0; i < steps; i++) {
    await client.pull()
    result = (await pushOnes(client)).result
  }
  return result
}

function pushOnes(client: ShardClient): Promise<PushReply> {
  const gradients = layout.variables.map(({ name, shape }) => [name, new Float32Array(shape[0] ?? 0).fill(1)] as const)
  return client.push({ gradients: new Map(gradients), statistics: new Map(), loss: 1, examples: 1 })
}

async function weightsOf(client: ShardClient): Promise<Record<string, readonly number[]>> {
  const { weights } = await client.pull()
  return Object.fromEntries([...weights].map(([name, values]) => [name, [...values]] as const).sort())
}

/** SIGTERM to all at once, as when a job is suspended. */
async function suspend(fleet: Fleet): Promise<void> {
  const startedMs = performance.now()
  await Promise.all(fleet.servers.map((server) => server.suspend(10_000)))
  const tookMs = performance.now() - startedMs
  assert.ok(tookMs < 2500, `${tookMs} ms: a shard waited although the coordinator had hung up`)
}

/** Ends as src/ps/main.ts does. */
function endOf(fleet: Fleet) {
  return Promise.all(
    fleet.servers.map(async (server) => {
      const ended = await server.ended
      await server.close()
      return ended
    }),
  )
}

async function checkpointOf(folder: string): Promise<unknown> {
  const { latest } = await findLatest(join(folder, 'tiny'))
  const { variables, slots } = await loadCheckpoint(latest?.folder ?? '', { slots: true })
  const plain = (map: Map<string, { data: Float32Array }>) =>
    [...map].map(([name, { data }]) => [name, [...data]]).sort()
  return { step: latest?.manifest.step, variables: plain(variables), slots: [...slots].map(([k, v]) => [k, plain(v)]) }
}

/** Takes the newest checkpoint away, so that the next fleet starts from the one before. */
async function rewind(folder: string): Promise<void> {
  const { latest } = await findLatest(join(folder, 'tiny'))
  await rm(latest?.folder ?? '', { recursive: true })
}
