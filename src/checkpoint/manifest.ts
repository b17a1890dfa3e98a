/** manifest.json describes a checkpoint. It is written last: a folder without one is not a checkpoint. */
import { z } from 'zod'
import { MAX_CLASSES_BYTES } from '../contract/classes.ts'
import { Lease } from '../contract/exchange.ts'
import { InitReport, Lineage } from '../contract/first-weights.ts'
import { StoredVariable } from '../support/variables.ts'
import { unitCount } from '../wire/messages.ts'

const count = z.int().min(0)
const modelName = z.string().regex(/^[a-z0-9-]{1,40}$/)

/** What a shard knows of a worker index: its current pod, and the last push of this pod that was answered. */
export const WorkerRecord = z.strictObject({
  index: count,
  podUid: z.string(),
  lastSeq: count,
  lastResult: z.string(),
  contributed: z.boolean(),
})
export type WorkerRecord = z.output<typeof WorkerRecord>

export const ShardRecord = z.strictObject({
  index: count,
  file: z.string().regex(/^[A-Za-z0-9._-]+$/),
  bytes: count,
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  incarnation: count,
  /** Updates that this shard has applied. Shards are independent, so counts differ (paper.md §3.1). */
  version: count,
  workers: z.array(WorkerRecord),
  /** Uids of pods that were replaced. Their pushes are refused. */
  superseded: z.array(z.string()),
})
export type ShardRecord = z.output<typeof ShardRecord>

/** The list of classes, in a file beside the manifest. */
export const ClassesRecord = z.strictObject({
  file: z.string().regex(/^[A-Za-z0-9._-]+$/),
  count,
  bytes: count.max(MAX_CLASSES_BYTES),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
})
export type ClassesRecord = z.output<typeof ClassesRecord>

export const LeaseRecord = z.strictObject({
  units: unitCount,
  epoch: count,
  /** Number of units of the epoch's shuffled order that were leased. */
  position: count,
  /** Leased and not finished: leased first after a restart. */
  open: z.array(Lease),
})
export type LeaseRecord = z.output<typeof LeaseRecord>

/** The network that the weights belong to. Text, so that a checkpoint of a network that is unknown here can be refused by name. */
export const ModelRecord = z.strictObject({
  backbone: modelName,
  variant: modelName,
  /** Absent in checkpoints of older versions. */
  batchNormEpsilon: z.exactOptional(z.number().gt(0)),
})
export type ModelRecord = z.output<typeof ModelRecord>

const fields = z.record(z.string(), z.unknown())
/** What the model has learnt, so that `downpour evaluate` can score the checkpoint alone. */
const TaskRecord = z.strictObject({ type: z.string().max(100), options: fields, input: fields })

export const Manifest = z.strictObject({
  /** 2 where a variable is cut into parts, which older versions cannot read. */
  formatVersion: z.union([z.literal(1), z.literal(2)]),
  step: count,
  final: z.boolean(),
  savedAt: z.string(),
  job: z.strictObject({ kind: z.string(), namespace: z.string(), name: z.string(), uid: z.string() }),
  seed: count,
  /** Absent in checkpoints of older versions. */
  model: z.exactOptional(ModelRecord),
  task: z.exactOptional(TaskRecord),
  /** Where the job's first weights came from, so that its lineage is known after the jobs of its sources were deleted. */
  init: z.exactOptional(InitReport),
  lineage: z.exactOptional(Lineage),
  optimizer: z.string(),
  layout: z.strictObject({ hash: z.string(), variables: z.array(StoredVariable) }),
  shards: z.array(ShardRecord).min(1),
  leases: LeaseRecord.nullable(),
  /** Absent in checkpoints of older versions. */
  classes: z.exactOptional(ClassesRecord),
  psIncarnation: count,
})
export type Manifest = z.output<typeof Manifest>

export const MANIFEST_FILE = 'manifest.json'
export function encodeManifest(manifest: Manifest): Buffer {
  return Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`)
}
