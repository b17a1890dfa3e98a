/** Parameter servers of one model in this process, without connections: what saves and restores a checkpoint. */
import { join } from 'node:path'
import { realFileSystem } from '../../src/checkpoint/file-system.ts'
import { findLatest } from '../../src/checkpoint/list.ts'
import { formatVersionOf } from '../../src/checkpoint/stored-names.ts'
import { checkpointFolder } from '../../src/contract/files.ts'
import type { RuntimeConfig } from '../../src/contract/runtime.ts'
import { createPsMetrics } from '../../src/metrics/ps.ts'
import { Catalogue } from '../../src/ps/catalogue.ts'
import { createShard, restoreOwn } from '../../src/ps/restore.ts'
import { Rounds } from '../../src/ps/rounds.ts'
import type { Shard } from '../../src/ps/shard.ts'
import { Skipped } from '../../src/ps/skipped.ts'
import { Snapshots } from '../../src/ps/snapshot.ts'
import { Training } from '../../src/ps/training.ts'
import { WorkerTable } from '../../src/ps/workers.ts'
import { systemClock } from '../../src/support/clock.ts'
import { silentLog } from '../../src/support/log.ts'
import { storedVariable } from '../../src/support/variables.ts'
import { type ModelLayout, type Placement, placeLayout } from '../../src/wire/layout.ts'

const fs = realFileSystem
const fence = async () => {}

export interface Servers {
  readonly placement: Placement
  readonly shards: readonly Shard[]
}

export function createServers(layout: ModelLayout, count: number, config: RuntimeConfig): Servers {
  const placement = placeLayout(layout, count)
  return { placement, shards: placement.shards.map((shard) => createShard(shard, config)) }
}

/** The longest pause of a server: as time, and as CPU time, which other programs on the machine do not lengthen. */
export interface Pause {
  readonly seconds: number
  readonly cpuSeconds: number
}

/** @returns what saves a checkpoint of a step */
export function saverOf({ placement, shards }: Servers, layout: ModelLayout, jobFolder: string, config: RuntimeConfig) {
  let step = 0
  let pause: Pause = { seconds: 0, cpuSeconds: 0 }
  const handles = shards.map((shard, index) => {
    let started = process.cpuUsage()
    const onPause = (seconds: number) => {
      const { user, system } = process.cpuUsage(started)
      if (seconds > pause.seconds) pause = { seconds, cpuSeconds: (user + system) / 1e6 }
    }
    const snapshots = new Snapshots({ jobFolder, shards: shards.length, fence, onPause, clock: systemClock, fs })
    snapshots.prepare(shard)
    return {
      snapshot(folder: string) {
        const training = trainingOf(shard, index, step, config)
        started = process.cpuUsage()
        return snapshots.take(training, folder)
      },
    }
  })
  const rounds = roundsOf(handles, jobFolder, () => ({
    formatVersion: formatVersionOf(placement),
    step,
    job: config.job,
    seed: config.seed,
    optimizer: config.optimizer.type,
    layout: { hash: layout.hash, variables: layout.variables.map(storedVariable) },
    leases: null,
    psIncarnation: 1,
  }))
  return async (toSave: number): Promise<Pause> => {
    step = toSave
    pause = { seconds: 0, cpuSeconds: 0 }
    if (!(await rounds.save(false))) throw new Error(`step ${step} was not saved: ${rounds.failures.lastError}`)
    return pause
  }
}

function trainingOf(shard: Shard, index: number, version: number, config: RuntimeConfig): Training {
  return new Training({
    config,
    index,
    incarnation: 1,
    version,
    globalStep: version,
    shard,
    workers: new WorkerTable(),
  })
}

function roundsOf(
  shards: ConstructorParameters<typeof Rounds>[0]['shards'],
  jobFolder: string,
  describe: ConstructorParameters<typeof Rounds>[0]['describe'],
): Rounds {
  return new Rounds({
    jobFolder,
    catalogue: new Catalogue({ jobFolder, relativeFolder: '.', metric: undefined, refused: new Set(), fs }),
    shards,
    describe,
    classes: () => undefined,
    retention: () => ({
      metric: undefined,
      keep: Number.MAX_SAFE_INTEGER,
      keepBest: 0,
      maxWaiting: 0,
      pinned: new Set(),
    }),
    skipped: new Skipped({ jobFolder, fence, fs, log: silentLog }),
    fence,
    onOutdated: () => {},
    fs,
    clock: systemClock,
    log: silentLog,
    metrics: createPsMetrics(),
  })
}

/** Restores the checkpoint of a step. */
export async function restoreServers(
  layout: ModelLayout,
  count: number,
  { jobFolder, step, config }: { jobFolder: string; step: number; config: RuntimeConfig },
): Promise<Servers> {
  const { latest } = await findLatest(jobFolder)
  if (latest?.folder !== join(jobFolder, checkpointFolder(step))) throw new Error(`step ${step} is not the newest`)
  const servers = createServers(layout, count, config)
  for (const shard of servers.shards) await restoreOwn(shard, latest, fs, silentLog)
  return servers
}
