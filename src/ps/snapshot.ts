/** One shard's part of a checkpoint round: a copy in memory at one moment, then a file, while training goes on. */
import { join } from 'node:path'
import { commitFile, makeFolder } from '../checkpoint/commit.ts'
import { slotTensorName } from '../checkpoint/contents.ts'
import type { FileSystem } from '../checkpoint/file-system.ts'
import type { ShardRecord } from '../checkpoint/manifest.ts'
import { encodeSafetensors, type TensorRun } from '../checkpoint/safetensors.ts'
import { DownpourError } from '../support/errors.ts'
import { slotsOf } from './optimizer.ts'
import type { Shard, ShardCopy } from './shard.ts'
import type { Training } from './training.ts'

const STEP_FOLDER = /^step-\d{9,}$/

/** @example shardFile(0, 2) === 'shard-00000-of-00002.safetensors' */
export function shardFile(index: number, shards: number): string {
  const five = (n: number) => String(n).padStart(5, '0')
  return `shard-${five(index)}-of-${five(shards)}.safetensors`
}

/** Invariant: `#copy` is written by one snapshot at a time. */
export class Snapshots {
  readonly #options: { jobFolder: string; shards: number; fs: FileSystem }
  #copy: ShardCopy | undefined
  #busy = false

  constructor(options: { jobFolder: string; shards: number; fs: FileSystem }) {
    this.#options = options
  }

  /** Whether one is being written. */
  get busy(): boolean {
    return this.#busy
  }

  /**
   * The copy is taken before this returns; the promise is for the file.
   * @throws DownpourError SNAPSHOT_BUSY, BAD_SNAPSHOT_FOLDER, the disk's error
   */
  take(training: Training, folder: string): Promise<ShardRecord> {
    if (this.#busy) throw new DownpourError('SNAPSHOT_BUSY', 'the snapshot before this one is still being written')
    if (!STEP_FOLDER.test(folder)) throw new DownpourError('BAD_SNAPSHOT_FOLDER', `not a checkpoint folder: ${folder}`)
    this.#busy = true
    const { copy, ...facts } = training.capture(this.#copy)
    this.#copy = copy
    return this.#write(training, join(this.#options.jobFolder, folder), copy, facts).finally(() => {
      this.#busy = false
    })
  }

  async #write(
    { shard, incarnation }: Training,
    folder: string,
    copy: ShardCopy,
    facts: Pick<ShardRecord, 'version' | 'workers' | 'superseded'>,
  ): Promise<ShardRecord> {
    const { index } = shard.layout
    const file = shardFile(index, this.#options.shards)
    await makeFolder(folder, this.#options.fs)
    const parts = encodeSafetensors(runsOf(shard, copy), { format: 'pt' })
    return { index, file, incarnation, ...facts, ...(await commitFile(join(folder, file), parts, this.#options.fs)) }
  }
}

function runsOf(shard: Shard, copy: ShardCopy): TensorRun[] {
  const { entries } = shard.layout
  const trainable = entries.filter(({ kind }) => kind === 'trainable')
  const slots = slotsOf(shard.options.optimizer).map((slot, i) => ({
    tensors: trainable.map(({ name, shape }) => ({ name: slotTensorName(slot.name, name), shape })),
    flat: copy.slots[i] ?? new Float32Array(0),
  }))
  return [{ tensors: entries, flat: copy.weights }, ...slots]
}
