/** Shards that do not belong together, because their generations or their restored checkpoints differ. */
import assert from 'node:assert/strict'
import { cp, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { exitCodeOf } from '../../../src/contract/exit-codes.ts'
import { EXIT } from '../../../src/contract/runtime.ts'
import { consistently, eventually } from '../../support/eventually.ts'
import { BEAT_MS, type Fleet } from './harness.ts'
import { forEachTest, latestStep, layout, suspend, train } from './small-fleet.ts'

const checkpoint = { path: 'tiny', everySteps: 2, keep: 9, keepBest: 0, keepSteps: [] }

describe('parameter servers', { concurrency: false }, () => {
  const { fleetOf, volume } = forEachTest()

  /** Makes a job with checkpoints of steps 2 and 3, and a copy of its folder with only step 2. */
  async function twoHistories(): Promise<{ folder: string; older: string }> {
    const [folder, older] = [await volume(), await volume()]
    const fleet = await fleetOf(2, { checkpoint }, { folder })
    const client = await fleet.connect(0, layout)
    await train(client, 2)
    await eventually(async () => assert.equal(await latestStep(folder), 2))
    await train(client, 1)
    await suspend(fleet)
    await client.close()
    await cp(folder, older, { recursive: true })
    await rm(join(older, 'tiny', 'step-000000003'), { recursive: true })
    return { folder, older }
  }

  const failureOf = (fleet: Fleet, index: number) => fleet.servers[index]?.ended

  test('that restored different checkpoints end and save nothing', async () => {
    const { folder, older } = await twoHistories()
    const fleet = await fleetOf(2, { checkpoint }, { folder })
    await fleet.occupy(1, { checkpointDir: older })
    const training = fleet.connect(0, layout).then((client) => train(client, 8))
    training.catch(() => {})
    const failures = await Promise.all([failureOf(fleet, 0), failureOf(fleet, 1)])
    assert.deepEqual(
      failures.map((failure) => failure?.code),
      ['SHARDS_DISAGREE', 'SHARDS_DISAGREE'],
    )
    assert.match(failures[1]?.message ?? '', /restored/)
    const names = (await readdir(join(folder, 'tiny'))).filter((name) => name.startsWith('step-'))
    assert.deepEqual(names.sort(), ['step-000000002', 'step-000000003'])
  })

  test('of a new generation do not take part in the rounds of an old coordinator, which ends', async () => {
    const folder = await volume()
    const fleet = await fleetOf(2, { checkpoint }, { folder })
    const client = await fleet.connect(0, layout)
    await train(client, 2)
    await eventually(async () => assert.equal(await latestStep(folder), 2))
    const successor = await fleet.occupy(1, { attempt: 1 })
    void train(client, 4).catch(() => {})
    assert.equal((await failureOf(fleet, 0))?.code, 'OUTDATED_COORDINATOR')
    assert.equal(await latestStep(folder), 2)
    assert.equal(await Promise.race([successor.ended, 'goes on']), 'goes on')
  })

  test('of an old generation end when the new coordinator connects, which waits for their successors', async () => {
    const fleet = await fleetOf(2, { checkpoint })
    const first = await fleet.connect(0, layout)
    await train(first, 1)
    await fleet.occupy(0, { attempt: 1 })
    const trained = train(first, 1)
    assert.equal((await failureOf(fleet, 1))?.code, 'OUTDATED_SHARD')
    const coordinator = failureOf(fleet, 0)
    await fleet.occupy(1, { attempt: 1 })
    await trained
    assert.equal(await Promise.race([coordinator, 'goes on']), 'goes on')
  })

  test('of an old generation end and neither commit nor purge in a folder that a newer one has marked', async () => {
    const folder = await volume()
    const fleet = await fleetOf(1, { checkpoint }, { folder })
    const client = await fleet.connect(0, layout)
    await train(client, 2)
    await eventually(async () => assert.equal(await latestStep(folder), 2))
    await train(client, 1)
    const [old] = fleet.servers
    const successor = await fleet.occupy(0, { attempt: 1 })
    await old?.suspend(1000)
    assert.equal((await old?.ended)?.code, 'OUTDATED_GENERATION')
    assert.equal(exitCodeOf('OUTDATED_GENERATION'), EXIT.fenced)
    assert.deepEqual((await readdir(join(folder, 'tiny'))).sort(), [
      'classes.json',
      'generation.json',
      'step-000000002',
    ])
    assert.equal(await train(client, 2), 'applied')
    await eventually(async () => assert.equal(await latestStep(folder), 4))
    assert.equal(await Promise.race([successor.ended, 'goes on']), 'goes on')
  })

  test('of an old generation that start late in such a folder end before they change it', async () => {
    const folder = await volume()
    const fleet = await fleetOf(1, { checkpoint }, { folder, each: () => ({ attempt: 2 }) })
    const before = await readdir(join(folder, 'tiny'))
    for (const attempt of [0, 1]) {
      await assert.rejects(fleet.occupy(0, { attempt }), {
        code: 'OUTDATED_GENERATION',
        message: /generation 2 of the parameter servers has taken over .*; this one is generation /,
      })
    }
    assert.deepEqual(await readdir(join(folder, 'tiny')), before)
  })

  test('that restarted within a generation are detected', async () => {
    const fleet = await fleetOf(2, { checkpoint })
    const client = await fleet.connect(0, layout)
    await train(client, 1)
    await eventually(() => assert.equal(fleet.servers[1]?.status().coordinatorConnected, true))
    await fleet.occupy(1)
    void train(client, 1).catch(() => {})
    assert.equal((await failureOf(fleet, 0))?.code, 'SHARDS_DISAGREE')
  })

  test('do not let a worker of an earlier attempt replace the live one', async () => {
    const fleet = await fleetOf(1)
    const live = await fleet.connect(0, layout, { podUid: 'live', attempt: 1 })
    await train(live, 1)
    const zombie = fleet.connect(0, layout, { podUid: 'zombie', attempt: 0 })
    zombie.catch(() => {})
    await consistently(async () => assert.equal(await train(live, 1), 'applied'), { timeoutMs: BEAT_MS })
    assert.equal(await Promise.race([zombie, 'waits']), 'waits')
  })
})
