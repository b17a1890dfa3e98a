/** A shard's part of a checkpoint round: copies the state at one moment, then writes the file while training continues. */
import { join } from 'node:path'
import { commitFile, makeFolder } from '../checkpoint/commit.ts'
import type { FileSystem } from '../checkpoint/file-system.ts'
import type { ShardRecord } from '../checkpoint/manifest.ts'
import { encodeSafetensors, type TensorRun } from '../checkpoint/safetensors.ts'
import { slotTensorName, tensorOf } from '../checkpoint/stored-names.ts'
import { STEP_FOLDER, shardFile } from '../contract/files.ts'
import type { Clock } from '../support/clock.ts'
import { DownpourError } from '../support/errors.ts'
import type { Shard, ShardCopy } from './shard.ts'
import type { Training } from './training.ts'

export interface SnapshotOptions {
  jobFolder: string
  shards: number
  /** Throws if a newer generation has taken over the folder. */
  fence: () => Promise<void>
  /** Called with the seconds for which the copy of the weights has stopped pushes. */
  onPause: (seconds: number) => void
  clock: Clock
  fs: FileSystem
}

/** Invariant: one snapshot at a time uses `#copy`. */
export class Snapshots {
  readonly #options: SnapshotOptions
  #copy: ShardCopy | undefined
  #busy = false

  constructor(options: SnapshotOptions) {
    this.#options = options
  }

  /** Whether a snapshot is being written. */
  get busy(): boolean {
    return this.#busy
  }

  /**
   * Call before training: the first write to the memory of a copy takes ten times as long as later ones, and would stop
   * pushes at the first checkpoint.
   */
  prepare(shard: Shard): void {
    this.#copy = shard.copy()
  }

  /**
   * Copies the state before it returns; the promise resolves when the file is written.
   * @throws DownpourError SNAPSHOT_BUSY or BAD_SNAPSHOT_FOLDER at once; the promise rejects with OUTDATED_GENERATION or
   * Node's errors
   */
  take(training: Training, folder: string): Promise<ShardRecord> {
    if (this.#busy) throw new DownpourError('SNAPSHOT_BUSY', 'the previous snapshot is still being written')
    if (!STEP_FOLDER.test(folder)) throw new DownpourError('BAD_SNAPSHOT_FOLDER', `not a checkpoint folder: ${folder}`)
    const { clock, onPause } = this.#options
    const startedMs = clock.monotonicMs()
    const { copy, ...facts } = training.capture(this.#copy)
    onPause((clock.monotonicMs() - startedMs) / 1000)
    this.#busy = true
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
  const trainable = entries.filter(({ kind }) => kind === 'trainable').map(tensorOf)
  const slots = [...copy.slots].map(([slot, flat]) => ({
    tensors: trainable.map(({ name, shape }) => ({ name: slotTensorName(slot, name), shape })),
    flat,
  }))
  return [{ tensors: entries.map(tensorOf), flat: copy.weights }, ...slots]
}
