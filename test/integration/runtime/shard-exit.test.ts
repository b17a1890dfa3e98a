/** A shard must not exit before the coordinator's last checkpoint round, whatever happens to their connection. */
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

  test('stays for the last snapshot even if its connection breaks after the last step', async () => {
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

  test('that knows of the last step waits one minute for a vanished coordinator', async () => {
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

  test('that gets SIGTERM while its connection is broken still takes part in the round', async () => {
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

  test('that gets SIGTERM ends at once if its coordinator is gone or never connected', async () => {
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

/** A file system that refuses the first `times` files. */
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

/** The system clock plus the skipped time. */
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
