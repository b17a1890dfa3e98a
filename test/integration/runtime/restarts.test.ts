/** Parameter servers that stop, end and restart: with another number of shards, a damaged checkpoint, kept steps. */
import assert from 'node:assert/strict'
import { appendFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { findLatest } from '../../../src/checkpoint/list.ts'
import type { CheckpointInfo } from '../../../src/contract/status.ts'
import type { Optimizer } from '../../../src/contract/training.ts'
import { eventually } from '../../support/eventually.ts'
import {
  checkpointOf,
  endOf,
  forEachTest,
  latestStep,
  layout,
  pushOnes,
  rewind,
  suspend,
  train,
  weightsOf,
} from './small-fleet.ts'

const OPTIMIZERS: readonly Optimizer[] = [
  { type: 'rmsprop', decay: 0.9, momentum: 0.9, epsilon: 1e-10 },
  { type: 'adam', beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
]

describe('parameter servers', { concurrency: false }, () => {
  const { fleetOf, volume } = forEachTest()

  for (const optimizer of OPTIMIZERS)
    test(`resume with another number of shards with equal weights and optimizer state (${optimizer.type})`, async () => {
      const folder = await volume()
      const first = await fleetOf(2, { optimizer }, { folder })
      const worker = await first.connect(0, layout)
      await train(worker, 5)
      const weights = await weightsOf(worker)
      await suspend(first)
      await worker.close()
      const after: unknown[] = []
      for (const shards of [2, 3, 1]) {
        const fleet = await fleetOf(shards, { optimizer }, { folder })
        const client = await fleet.connect(0, layout, { podUid: `pod-of-${shards}` })
        assert.deepEqual(await weightsOf(client), weights)
        await train(client, 1)
        await suspend(fleet)
        after.push(await checkpointOf(folder))
        await rewind(folder)
        await client.close()
      }
      // One more push has the same result as without a restart only if the optimizer's state was restored.
      const whole = await volume()
      const undisturbed = await fleetOf(1, { optimizer }, { folder: whole })
      await train(await undisturbed.connect(0, layout), 6)
      await suspend(undisturbed)
      for (const contents of after) assert.deepEqual(contents, await checkpointOf(whole))
    })

  test('save together on SIGTERM, and continue from that step', async () => {
    const folder = await volume()
    const fleet = await fleetOf(2, {}, { folder })
    const client = await fleet.connect(0, layout)
    await train(client, 3)
    const before = await weightsOf(client)
    await suspend(fleet)
    await client.close()
    const { latest } = await findLatest(join(folder, 'tiny'))
    assert.deepEqual([latest?.manifest.step, latest?.manifest.shards.length, latest?.manifest.final], [3, 2, false])
    assert.deepEqual(latest?.manifest.model, { backbone: 'resnet-mini', variant: 'slim', batchNormEpsilon: 1e-5 })
    const again = await fleetOf(2, {}, { folder })
    assert.deepEqual(await weightsOf(await again.connect(0, layout)), before)
  })

  test('save at exactly the steps of transfers, and never purge those', async () => {
    const folder = await volume()
    const checkpoint = { path: 'tiny', everySteps: 2, keep: 1, keepBest: 0, keepSteps: [3, 5] }
    const fleet = await fleetOf(2, { checkpoint }, { folder })
    await train(await fleet.connect(0, layout), 12)
    await suspend(fleet)
    const { latest } = await findLatest(join(folder, 'tiny'))
    assert.equal(latest?.manifest.step, 12)
    const names = (await readdir(join(folder, 'tiny'))).filter((name) => name.startsWith('step-'))
    assert.deepEqual(names.sort(), ['step-000000003', 'step-000000005', 'step-000000012'])
  })

  test('end with a final checkpoint; after another start they end without changing it', async () => {
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

  test('restore the checkpoint before a damaged one; workers with later weights pull again', async () => {
    const checkpoint = { path: 'tiny', everySteps: 2, keep: 5, keepBest: 0, keepSteps: [] }
    const folder = await volume()
    const fleet = await fleetOf(1, { checkpoint }, { folder })
    const client = await fleet.connect(0, layout)
    for (const step of [2, 4]) {
      await train(client, 2)
      await eventually(async () => assert.equal(await latestStep(folder), step))
      // A save that is due while old checkpoints are still removed is skipped.
      await eventually(() => assert.equal(fleet.servers[0]?.status().phase, 'training'))
    }
    await train(client, 1)
    appendFileSync(join(folder, 'tiny', 'step-000000004', 'shard-00000-of-00001.safetensors'), 'rot')
    await fleet.restart()
    assert.equal((await pushOnes(client)).result, 'incarnation', 'computed on lost weights')
    assert.equal((await client.pull()).step, 2)
    assert.equal(await train(client, 2), 'applied')
    await eventually(async () => assert.equal(await latestStep(folder), 4))
  })

  test('report the restored checkpoint before any worker connects', async () => {
    const folder = await volume()
    const fleet = await fleetOf(1, {}, { folder })
    const client = await fleet.connect(0, layout)
    await train(client, 3)
    await suspend(fleet)
    await client.close()
    const [again] = (await fleetOf(1, {}, { folder })).servers
    const checkpoints = again?.status().checkpoints as CheckpointInfo[]
    assert.deepEqual(
      checkpoints.map(({ step, path }) => [step, path]),
      [[3, 'tiny/step-000000003']],
    )
  })

  test('refuse a push that was computed on lost weights, even after a newer pull', async () => {
    const fleet = await fleetOf(2)
    const client = await fleet.connect(0, layout)
    await client.pull()
    const { base } = client
    await fleet.restart()
    await client.pull()
    assert.equal((await pushOnes(client, base)).result, 'incarnation')
    assert.equal((await pushOnes(client)).result, 'applied')
    assert.equal(fleet.step(), 1)
  })
})
