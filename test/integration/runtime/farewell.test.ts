/** When a shard may leave: not before the coordinator's last round, whatever happens to their connection. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { type FileSystem, realFileSystem } from '../../../src/checkpoint/file-system.ts'
import { findLatest } from '../../../src/checkpoint/list.ts'
import { type Clock, systemClock } from '../../../src/support/clock.ts'
import { eventually } from '../../support/eventually.ts'
import { BEAT_MS } from './harness.ts'
import { endOf, forEachTest, layout, suspend, train } from './small-fleet.ts'

describe('a shard', { concurrency: false }, () => {
  const { fleetOf, volume } = forEachTest()

  test('stays for the last snapshot though its connection breaks after the last step', async () => {
    const folder = await volume()
    let onFull = () => {}
    const fs = fullFor(1, () => onFull())
    const each = (index: number) => (index === 1 ? { fs } : {})
    const fleet = await fleetOf(2, { maxSteps: 2 }, { folder, each })
    onFull = () => fleet.proxies[1]?.cut()
    const client = await fleet.connect(0, layout)
    await train(client, 2)
    await client.close()
    assert.deepEqual(await endOf(fleet), [null, null])
    const { latest } = await findLatest(join(folder, 'tiny'))
    assert.deepEqual([latest?.manifest.step, latest?.manifest.final], [2, true])
  })

  test('that has heard of the last step waits a minute for a coordinator that vanished, and no longer', async () => {
    const { clock, skip } = skipping()
    const full = fullFor(Number.POSITIVE_INFINITY)
    const fleet = await fleetOf(2, { maxSteps: 2 }, { each: (index) => (index === 1 ? { fs: full, clock } : {}) })
    const client = await fleet.connect(0, layout)
    await train(client, 2)
    const [, shard] = fleet.servers
    await eventually(() => assert.ok(failures(fleet.servers[0]?.status()) > 0))
    fleet.proxies[1]?.blackhole('request', 'response')
    skip(59_000)
    const ended = Promise.race([shard?.ended, systemClock.sleep(4 * BEAT_MS).then(() => 'waits')])
    assert.equal(await ended, 'waits')
    skip(59_000)
    assert.equal(await shard?.ended, null)
  })

  test('that is told to stop while its connection is broken still takes part in the round', async () => {
    const folder = await volume()
    const fleet = await fleetOf(2, {}, { folder })
    const client = await fleet.connect(0, layout)
    await train(client, 3)
    await eventually(() => assert.equal(fleet.servers[1]?.status().coordinatorConnected, true))
    fleet.proxies[1]?.cut()
    await eventually(() => assert.equal(fleet.servers[1]?.status().coordinatorConnected, false), { intervalMs: 1 })
    await suspend(fleet)
    const { latest } = await findLatest(join(folder, 'tiny'))
    assert.deepEqual([latest?.manifest.step, latest?.manifest.shards.length], [3, 2])
  })

  test('that is told to stop ends at once when its coordinator is gone, or was never there', async () => {
    const { clock, skip } = skipping()
    const fleet = await fleetOf(2, {}, { each: () => ({ clock }) })
    const client = await fleet.connect(0, layout)
    await train(client, 1)
    const [, shard] = fleet.servers
    await eventually(() => assert.equal(shard?.status().coordinatorConnected, true))
    for (const proxy of fleet.proxies) {
      proxy.target = 9
      proxy.cut()
    }
    await eventually(() => assert.equal(shard?.status().coordinatorConnected, false), { intervalMs: 1 })
    skip(10_000)
    const startedMs = performance.now()
    await shard?.suspend(20_000)
    assert.ok(performance.now() - startedMs < 3000)
  })
})

function failures(status: Record<string, unknown> | undefined): number {
  return (status?.checkpointFailures as { count: number } | undefined)?.count ?? 0
}

/** A disk that takes no file the first `times`. */
function fullFor(times: number, onFull = () => {}): FileSystem {
  let left = times
  return {
    ...realFileSystem,
    async open(path, flags, mode) {
      if (flags === 'w' && left-- > 0) {
        onFull()
        throw Object.assign(new Error('disk full'), { code: 'ENOSPC' })
      }
      return realFileSystem.open(path, flags, mode)
    },
  }
}

/** The system's clock, but for what is skipped. */
function skipping(): { clock: Clock; skip(ms: number): void } {
  let skippedMs = 0
  const clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + skippedMs }
  return {
    clock,
    skip: (ms) => {
      skippedMs += ms
    },
  }
}
