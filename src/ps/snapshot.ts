/** One shard's part of a checkpoint round: a copy in memory at one moment, then a file, while training goes on. */
import { join } from 'node:path'
import { commitFile, makeFolder } from '../checkpoint/commit.ts'
import { slotTensorName } from '../checkpoint/contents.ts'
import type { FileSystem } from '../checkpoint/file-system.ts'
import type { ShardRecord } from '../checkpoint/manifest.ts'
import { encodeSafetensors, type TensorRun } from '../checkpoint/safetensors.ts'
import { DownpourError } from '../support/errors.ts'
import type { Shard, ShardCopy } from './shard.ts'
import type { Training } from './training.ts'

const STEP_FOLDER = /^step-\d{9,}$/

/** @example shardFile(0, 2) === 'shard-00000-of-00002.safetensors' */
export function shardFile(index: number, shards: number): string {
  const five = (n: number) => String(n).padStart(5, '0')
  return `shard-${five(index)}-of-${five(shards)}.safetensors`
}

export interface SnapshotOptions {
  jobFolder: string
  shards: number
  /** Throws when the folder belongs to a newer generation. */
  fence: () => Promise<void>
  fs: FileSystem
}

/** Invariant: `#copy` is written by one snapshot at a time. */
export class Snapshots {
  readonly #options: SnapshotOptions
  #copy: ShardCopy | undefined
  #busy = false

  constructor(options: SnapshotOptions) {
    this.#options = options
  }

  /** Whether one is being written. */
  get busy(): boolean {
    return this.#busy
  }

  /**
   * The copy is taken before this returns; the promise is for the file.
   * @throws DownpourError SNAPSHOT_BUSY, OUTDATED_GENERATION, BAD_SNAPSHOT_FOLDER, the disk's error
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
    const { fs, fence, shards } = this.#options
    const { index } = shard.layout
    const file = shardFile(index, shards)
    await fence()
    await makeFolder(folder, fs)
    const parts = encodeSafetensors(runsOf(shard, copy), { format: 'pt' })
    return { index, file, incarnation, ...facts, ...(await commitFile(join(folder, file), parts, fs, fence)) }
  }
}

function runsOf(shard: Shard, copy: ShardCopy): TensorRun[] {
  const { entries } = shard.layout
  const trainable = entries.filter(({ kind }) => kind === 'trainable')
  const slots = [...copy.slots].map(([slot, flat]) => ({
    tensors: trainable.map(({ name, shape }) => ({ name: slotTensorName(slot, name), shape })),
    flat,
  }))
  return [{ tensors: entries, flat: copy.weights }, ...slots]
}
