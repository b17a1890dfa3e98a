/** Each shard counts its own updates; the count of parameter server 0 sets the learning rate and the end of the job. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { eventually } from '../../support/eventually.ts'
import { forEachTest, layout, pushOnes, train } from './small-fleet.ts'

describe('the global step', { concurrency: false }, () => {
  const { fleetOf } = forEachTest()

  test('of parameter server 0 ends the job, not the number of updates of another shard', async () => {
    const async = {
      fetchEvery: 1,
      pushEvery: 1,
      policy: { type: 'async' },
      warmStartSteps: 0,
      maxStaleness: 0,
    } as const
    const fleet = await fleetOf(2, { maxSteps: 3, async })
    const client = await fleet.connect(0, layout)
    const versions = () => fleet.servers.map((server) => server.status().version ?? server.status().step)
    await train(client, 1)
    const [old] = client.base
    await train(client, 1)
    // Shard 0 refuses them as stale; shard 1 applies them and is then beyond maxSteps.
    for (let n = 0; n < 3; n++) {
      await client.pull()
      const base = client.base.with(0, old ?? { incarnation: 0, version: 0 })
      assert.equal((await pushOnes(client, base)).result, 'stale')
    }
    await eventually(() => assert.deepEqual(versions(), [2, 5]))
    assert.equal(client.done, false)
    await train(client, 1)
    await client.pull()
    assert.equal(client.done, true)
    await eventually(() => assert.deepEqual(versions(), [3, 6]))
  })
})
