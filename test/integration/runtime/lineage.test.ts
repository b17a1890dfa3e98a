/** A chain of three jobs, each from a checkpoint of the one before, with real parameter servers. */
import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { findLatest } from '../../../src/checkpoint/list.ts'
import type { RuntimeConfig } from '../../../src/contract/runtime.ts'
import type { CoordinatorStatus } from '../../../src/contract/status.ts'
import { makeLayout } from '../../../src/wire/layout.ts'
import { variable } from '../../unit/ps/fixtures.ts'
import type { Fleet } from './harness.ts'
import { forEachTest, layout, suspend, train } from './small-fleet.ts'

/** The model with another last layer. */
const transferred = makeLayout([...layout.variables, variable('head/weights', 6, { restored: false })])

const statusOf = (fleet: Fleet) => fleet.servers[0]?.status() as unknown as CoordinatorStatus

describe('a chain of jobs', { concurrency: false }, () => {
  const { fleetOf, volume } = forEachTest()

  /** Trains a job on two parameter servers, saves a checkpoint of its last step, and returns its running fleet. */
  async function jobOf(folder: string, name: string, steps: number, init: RuntimeConfig['init']) {
    const job = { kind: 'PretrainJob', namespace: 'default', name, uid: name } as const
    const checkpoint = { path: name, keep: 3, keepBest: 0, keepSteps: [steps] }
    const each = () => ({ sourceDir: folder })
    const fleet = await fleetOf(2, { job, checkpoint, init }, { folder, each })
    const model = init.type === 'random' ? layout : transferred
    const client = await fleet.connect(0, model, { podUid: `${name}-${steps}` })
    await train(client, steps, model)
    await client.close()
    return fleet
  }

  async function savedBy(folder: string, name: string) {
    const { latest } = await findLatest(join(folder, name))
    assert.ok(latest)
    const path = `${name}/${latest.name}`
    return { init: { type: 'checkpoint', path, digest: latest.digest } as const, latest }
  }

  test('is known in the status of the last one, also when the others and it itself have gone', async () => {
    const folder = await volume()
    const first = await jobOf(folder, 'imagenet', 2, { type: 'random' })
    assert.deepEqual(statusOf(first).lineage, [])
    assert.equal(statusOf(first).init?.new.variables, layout.variables.length)
    await suspend(first)
    const imagenet = await savedBy(folder, 'imagenet')

    await suspend(await jobOf(folder, 'jft', 3, imagenet.init))
    const jft = await savedBy(folder, 'jft')

    const last = await jobOf(folder, 'voc', 4, { type: 'folder', path: 'jft' })
    const lineage = [
      { kind: 'PretrainJob', name: 'jft', step: 3, digest: jft.latest.digest },
      { kind: 'PretrainJob', name: 'imagenet', step: 2, digest: imagenet.latest.digest },
    ]
    const { init, lineage: reported } = statusOf(last)
    assert.deepEqual(reported, lineage)
    assert.deepEqual(
      [init?.loaded.variables, init?.skipped.names, init?.new.names],
      [4, ['head/weights'], ['head/weights']],
    )
    await suspend(last)
    for (const name of ['imagenet', 'jft']) await rm(join(folder, name), { recursive: true })

    const restored = await jobOf(folder, 'voc', 1, { type: 'folder', path: 'jft', digest: jft.latest.digest })
    assert.deepEqual([statusOf(restored).lineage, statusOf(restored).init], [lineage, init])
    await suspend(restored)
    const { latest } = await savedBy(folder, 'voc')
    assert.deepEqual([latest.manifest.step, latest.manifest.lineage, latest.manifest.init], [5, lineage, init])
  })
})
