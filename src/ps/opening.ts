/** Creates a shard from the model's layout: restored, initialised from another job's checkpoint, or drawn at random. */
import type { FileSystem } from '../checkpoint/file-system.ts'
import type { RuntimeConfig } from '../contract/runtime.ts'
import type { Failure } from '../contract/status.ts'
import type { Log } from '../support/log.ts'
import { type ModelLayout, placeLayout, placementOf } from '../wire/layout.ts'
import { pickFirstWeights } from './first-weights.ts'
import type { JobClasses } from './job-classes.ts'
import { LeaseTable } from './leases.ts'
import type { OpenShard } from './peer.ts'
import { createShard, initialise, type OwnCheckpoint, ownRecord, restoreOwn } from './restore.ts'
import type { Shard, ShardOptions } from './shard.ts'
import type { Source } from './source.ts'
import { type Applied, Training } from './training.ts'
import type { Pace } from './turns.ts'
import { WorkerTable } from './workers.ts'

export interface OpeningOptions {
  config: RuntimeConfig
  index: number
  incarnation: number
  /** Undefined: the weights are restored from `own`, or random. */
  source: Source | undefined
  own: OwnCheckpoint
  /** Only on parameter server 0. */
  classes: JobClasses | undefined
  resources: Pick<ShardOptions, 'bodyLimitBytes' | 'threads'>
  fs: FileSystem
  log: Log
  onApplied: (applied: Applied) => void
  onUpdated: (version: number) => void
  /** Only on parameter server 0. */
  pace: Pace | undefined
  onFailure: (failure: Failure) => void
}

/** @throws DownpourError CHECKPOINT_*, DATA_EMPTY, LAYOUT_TOO_LARGE */
export async function openShard(layout: ModelLayout, dataUnits: number, options: OpeningOptions): Promise<OpenShard> {
  const { shard, firstWeights } = await fillShard(layout, options)
  const leases = options.index === 0 ? openLeases(dataUnits, options) : undefined
  return { layout, training: openTraining(shard, options), firstWeights, leases, classes: options.classes }
}

async function fillShard(layout: ModelLayout, options: OpeningOptions) {
  const { config, index, source, own, fs, log, resources } = options
  const { parameterServers } = config.topology
  const shardLayout = placeLayout(layout, parameterServers, placementOf(config)).shards[index]
  if (!shardLayout) throw new RangeError(`no shard ${index} of ${parameterServers}`)
  const shard = createShard(shardLayout, config, resources)
  if (own.latest) {
    await restoreOwn(shard, own.latest, fs, log)
    return { shard, firstWeights: pickFirstWeights(own.latest.manifest) }
  }
  const firstWeights = await initialise(shard, layout.variables, config, source, fs)
  // One server reports it for all: each of them knows the whole model.
  const report = index === 0 ? firstWeights : {}
  const what = source ? 'weights initialised from another checkpoint' : 'weights drawn at random'
  log.info({ ...source, ...report }, what)
  return { shard, firstWeights }
}

function openTraining(shard: Shard, options: OpeningOptions): Training {
  const { config, index, incarnation, own, onApplied, onUpdated, pace, onFailure } = options
  const record = own.latest ? ownRecord(own.latest, index, config.topology.parameterServers) : undefined
  const version = record?.version ?? 0
  const globalStep = own.latest?.manifest.step ?? 0
  const workers = new WorkerTable(record)
  const events = { onApplied, onUpdated, onFailure, ...(pace && { pace }) }
  return new Training({ config, index, incarnation, version, globalStep, shard, workers, ...events })
}

function openLeases(dataUnits: number, { config, own, log }: OpeningOptions): LeaseTable {
  const saved = own.latest?.manifest.leases ?? undefined
  if (saved && saved.units !== dataUnits)
    log.warn({ saved: saved.units, now: dataUnits }, 'the data has changed since the checkpoint: its order starts over')
  return new LeaseTable(dataUnits, config.seed, saved)
}
