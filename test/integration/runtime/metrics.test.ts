/** What parameter servers export while workers train, leave, and lose steps. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { realFileSystem } from '../../../src/checkpoint/file-system.ts'
import { createPsMetrics, type PsMetrics } from '../../../src/metrics/ps.ts'
import type { ParameterServerOptions } from '../../../src/ps/parameter-server.ts'
import { eventually } from '../../support/eventually.ts'
import { forEachTest, latestStep, layout, pushOnes, train } from './small-fleet.ts'

const checkpoint = { path: 'tiny', everySteps: 4, keep: 5, keepBest: 0, keepSteps: [] }

describe('the metrics of parameter servers', { concurrency: false }, () => {
  const { fleetOf, volume, later } = forEachTest()

  /** Of the newest process of each shard: a restarted one has metrics of its own. */
  function newestMetrics(more: Partial<ParameterServerOptions> = {}) {
    const newest: PsMetrics[] = []
    const each = (index: number) => {
      newest[index] = createPsMetrics()
      return { metrics: newest[index], ...more }
    }
    const text = async (index = 0) => (await newest[index]?.registry.metrics()) ?? ''
    return { each, text, read: async (series: string) => seriesIn(await text(), series) }
  }

  test('have series of each worker on parameter server 0 alone, or none with perWorker: false', async () => {
    for (const perWorker of [true, false]) {
      const { each, text } = newestMetrics()
      const fleet = await fleetOf(2, { metrics: { perWorker } }, { each })
      await train(await fleet.connect(0, layout), 3)
      await train(await fleet.connect(1, layout), 2)
      const shown: string[] = (await text(0)).match(/^downpour_ps_worker_\w+\{.*$/gm) ?? []
      assert.equal(shown.length, perWorker ? 8 : 0, shown.join('\n'))
      if (perWorker) assert.ok(shown.includes('downpour_ps_worker_pushes_applied_total{worker="1"} 2'))
      assert.doesNotMatch(await text(1), /^downpour_ps_worker_\w+\{/m)
    }
  })

  test('no longer have series of a worker that has said goodbye, until another pod takes its place', async () => {
    const { each, read } = newestMetrics()
    const fleet = await fleetOf(1, {}, { each })
    await train(await fleet.connect(0, layout), 1)
    const leaving = await fleet.connect(1, layout)
    await train(leaving, 2)
    const pushes = () => read('downpour_ps_worker_pushes_applied_total{worker="1"}')
    assert.equal(await pushes(), 2)
    await leaving.close()
    await eventually(async () => assert.equal(await pushes(), undefined))
    assert.equal(await read('downpour_ps_worker_pushes_applied_total{worker="0"}'), 1)
    await train(await fleet.connect(1, layout, { podUid: 'another', attempt: 1 }), 1)
    assert.equal(await pushes(), 3)
  })

  test('have the leases by state', async () => {
    const { each, read } = newestMetrics()
    const fleet = await fleetOf(1, {}, { each })
    const leases = async () =>
      Promise.all(['held', 'returned', 'waiting'].map((state) => read(`downpour_ps_leases{state="${state}"}`)))
    const leaving = await fleet.connect(0, layout)
    const staying = await fleet.connect(1, layout)
    assert.deepEqual(await leases(), [0, 0, 4])
    for (const client of [leaving, staying, staying]) await client.leases.next()
    assert.deepEqual(await leases(), [3, 0, 1])
    await leaving.close()
    await eventually(async () => assert.deepEqual(await leases(), [2, 1, 1]))
  })

  test('count the steps between the last one that a worker saw and the checkpoint, once', async () => {
    const folder = await volume()
    const { each, read } = newestMetrics()
    const fleet = await fleetOf(1, { checkpoint }, { folder, each })
    const [one, other] = [await fleet.connect(0, layout), await fleet.connect(1, layout)]
    await train(one, 4)
    await eventually(async () => assert.equal(await latestStep(folder), 4))
    await train(one, 3)
    await other.pull()
    await fleet.restart()
    const lost = () => read('downpour_ps_steps_lost_total')
    assert.equal(await lost(), 0, 'no worker has said so yet')
    for (const client of [one, one, other]) assert.equal((await pushOnes(client)).result, 'incarnation')
    assert.equal(await lost(), 3)
    assert.equal(fleet.servers[0]?.status().stepsLost, 3, 'the operator reads the same')
    await train(one, 2)
    assert.equal(await lost(), 3)
  })

  test('count the time for which a save stops pushes, and none while it writes', async () => {
    const writing = Promise.withResolvers<void>()
    let slow = false
    const open = async (...args: Parameters<typeof realFileSystem.open>) => {
      if (slow) await writing.promise
      return realFileSystem.open(...args)
    }
    const { each, read } = newestMetrics({ fs: { ...realFileSystem, open: open as typeof realFileSystem.open } })
    const fleet = await fleetOf(1, { checkpoint: { ...checkpoint, keepSteps: [6] } }, { each })
    later(async () => writing.resolve())
    const client = await fleet.connect(0, layout)
    const pause = async () => (await read('downpour_checkpoint_save_pause_seconds_total')) ?? 0
    await train(client, 3)
    assert.equal(await pause(), 0, 'nothing is saved')
    slow = true
    await train(client, 1)
    const copied = await pause()
    assert.ok(copied > 0 && copied < 0.2, `${copied} s for the copy of step 4`)
    await train(client, 2)
    assert.equal(await pause(), copied, 'pushes go on while step 4 is written')
    await client.pull()
    const waiting = pushOnes(client)
    setTimeout(() => writing.resolve(), 300)
    await waiting
    const held = (await pause()) - copied
    assert.ok(held > 0.25 && held < 5, `${held} s until step 6 could be copied`)
  })
})

function seriesIn(text: string, series: string): number | undefined {
  const line = text.split('\n').find((one) => one.startsWith(`${series} `))
  return line === undefined ? undefined : Number(line.slice(series.length + 1))
}
