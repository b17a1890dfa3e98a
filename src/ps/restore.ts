/** Initialises a shard: from the job's newest checkpoint, from another job's checkpoint, or at random. */
import type { FileSystem } from '../checkpoint/file-system.ts'
import { findLatest, type ListedCheckpoint } from '../checkpoint/list.ts'
import { type LoadedCheckpoint, loadCheckpoint } from '../checkpoint/load.ts'
import type { ShardRecord } from '../checkpoint/manifest.ts'
import type { RuntimeConfig } from '../contract/runtime.ts'
import { DownpourError } from '../support/errors.ts'
import type { Log } from '../support/log.ts'
import type { VariableSpec } from '../support/variables.ts'
import { type LayoutEntry, type ShardLayout, viewsOf } from '../wire/layout.ts'
import { needsScratch } from './async/policies.ts'
import { assertHas, type FirstWeights, firstWeightsOf } from './first-weights.ts'
import { Shard, type ShardOptions } from './shard.ts'
import type { Source } from './source.ts'

export function createShard(
  layout: ShardLayout,
  config: RuntimeConfig,
  resources: Pick<ShardOptions, 'bodyLimitBytes' | 'threads'> = {},
): Shard {
  return new Shard(layout, {
    optimizer: config.optimizer,
    weightDecay: config.weightDecay,
    statisticDecay: config.batchNorm.decay,
    keepsFirstStatistics: config.batchNorm.mode === 'calibrated',
    gradientClipNorm: config.gradientClipNorm,
    needsScratch: needsScratch(config.async.policy),
    compression: config.async.compression,
    ...resources,
  })
}

/** What a parameter server finds in the job's folder when it starts. */
export interface OwnCheckpoint {
  /** The newest intact checkpoint; null for a new job. */
  latest: ListedCheckpoint | null
  /** Damaged folders, which were skipped. */
  refused: ReadonlySet<string>
}

/**
 * Logs each damaged folder, and whether the checkpoint is that of another job.
 * @throws DownpourError CHECKPOINT_NONE_WHOLE: the job has saved checkpoints, and starting over would hide their loss
 */
export async function findOwnCheckpoint(
  jobFolder: string,
  fs: FileSystem,
  log: Log,
  jobUid?: string,
): Promise<OwnCheckpoint> {
  const { latest, refused } = await findLatest(jobFolder, fs)
  for (const checkpoint of refused) log.error({ ...checkpoint, jobFolder }, 'checkpoint refused')
  if (latest) log.info({ checkpoint: latest.name, step: latest.manifest.step }, 'checkpoint found')
  const { job } = latest?.manifest ?? {}
  if (job && jobUid !== undefined && job.uid !== jobUid)
    log.warn(
      { checkpoint: latest?.name, job: `${job.namespace}/${job.name}`, uid: job.uid },
      'checkpoint of another job',
    )
  const damaged = refused.find(({ code }) => code !== 'CHECKPOINT_NO_MANIFEST')
  if (!latest && damaged)
    throw new DownpourError(
      'CHECKPOINT_NONE_WHOLE',
      `no checkpoint in ${jobFolder} is intact (${damaged.name}: ${damaged.reason}): restore the folder, or remove it to train from the beginning`,
      { jobFolder },
    )
  return { latest, refused: new Set(refused.map(({ name }) => name)) }
}

/**
 * The record of this shard in the checkpoint. With a different number of shards, the record of parameter server 0: its
 * version is the step, and the other records belong to no present shard.
 */
export function ownRecord({ manifest }: ListedCheckpoint, index: number, shards: number): ShardRecord | undefined {
  const then = manifest.shards.length === shards ? index : 0
  return manifest.shards.find((record) => record.index === then)
}

/**
 * Restores weights and optimizer state by name, so the number of shards, and the parts of a variable, may differ from
 * those of the checkpoint.
 * @throws DownpourError CHECKPOINT_…: missing weights are never replaced by random ones
 */
export async function restoreOwn(shard: Shard, found: ListedCheckpoint, fs: FileSystem, log: Log): Promise<void> {
  const only = new Set(shard.layout.entries.map(({ name }) => name))
  const loaded = await loadCheckpoint(found.folder, { expectDigest: found.digest, only, slots: true, fs })
  copyVariables(shard.layout.entries, loaded, shard.weights, found.folder)
  const trainable = shard.layout.entries.filter(({ kind }) => kind === 'trainable')
  for (const [name, slot] of shard.slots) {
    const variables = loaded.slots.get(name)
    if (!variables) log.warn({ slot: name, folder: found.folder }, 'optimizer state starts over')
    else copyVariables(trainable, { ...loaded, variables }, slot, `${found.folder} (optimizer.${name})`)
  }
}

/**
 * Initialises a new job: draws all variables, then copies those that are restored from the source, if there is one.
 * @param variables of the whole model; the shard may hold a part of them
 * @throws DownpourError CHECKPOINT_*, such as CHECKPOINT_INCOMPLETE with the names that the source lacks
 */
export async function initialise(
  shard: Shard,
  variables: readonly VariableSpec[],
  config: RuntimeConfig,
  source: Source | undefined,
  fs: FileSystem,
): Promise<FirstWeights> {
  shard.draw(config.seed)
  if (!source) return firstWeightsOf(variables)
  const { folder, digest } = source
  const wanted = shard.layout.entries.filter(({ restored }) => restored !== false)
  const only = new Set(wanted.map(({ name }) => name))
  const loaded = await loadCheckpoint(folder, { expectDigest: digest, only, fs })
  const first = firstWeightsOf(variables, { folder, ...loaded })
  copyVariables(wanted, loaded, shard.weights, folder)
  return first
}

function copyVariables(
  entries: readonly LayoutEntry[],
  { variables }: Pick<LoadedCheckpoint, 'variables'>,
  flat: Float32Array,
  folder: string,
): void {
  assertHas(folder, variables, entries)
  const views = viewsOf(entries, flat)
  for (const { name, start, length } of entries)
    views.get(name)?.set(variables.get(name)?.data.subarray(start, start + length) ?? [])
}
