/**
 * Counts the checkpoints of a job that were purged before the evaluator had scored them: the holes in its curves. The
 * count is a file in the job's folder, so that it survives a restart.
 */
import { join } from 'node:path'
import { commitFile } from '../checkpoint/commit.ts'
import type { FileSystem } from '../checkpoint/file-system.ts'
import { readSmallFile } from '../checkpoint/small-file.ts'
import { FILES, SkippedRecord } from '../contract/files.ts'
import { errorCode, errorMessage } from '../support/errors.ts'
import type { Log } from '../support/log.ts'
import type { ScoredCheckpoint } from './retention.ts'

const MAX_BYTES = 1 << 16
/** Far more than the checkpoints that exist at the same time. */
const MAX_STEPS = 1000

export interface SkippedOptions {
  jobFolder: string
  /** Throws if a newer generation has taken over the folder. */
  fence: () => Promise<void>
  fs: FileSystem
  log: Log
}

export class Skipped {
  readonly #options: SkippedOptions
  #record: SkippedRecord = { count: 0, steps: [] }
  #isSaved = true

  constructor(options: SkippedOptions) {
    this.#options = options
  }

  get count(): number {
    return this.#record.count
  }

  /** Reads the count of earlier generations. A damaged file counts as none: training must not depend on it. */
  async restore(): Promise<void> {
    const { jobFolder, fs, log } = this.#options
    try {
      const bytes = await readSmallFile(join(jobFolder, FILES.skipped), MAX_BYTES, fs)
      this.#record = SkippedRecord.parse(JSON.parse(bytes.toString('utf8')))
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') log.warn({ reason: errorMessage(error) }, 'skipped checkpoints not read')
    }
  }

  /**
   * Call before checkpoints are purged. A step counts once, however often a crash interrupts its purge, and no longer
   * if its checkpoint was scored in the end.
   * @param purged those that are about to be purged
   */
  async note(all: readonly ScoredCheckpoint[], purged: readonly ScoredCheckpoint[]): Promise<void> {
    const scored = new Set(stepsOf(all.filter(({ evaluation }) => evaluation === 'done')))
    const before = new Set(this.#record.steps)
    const fresh = stepsOf(purged.filter(({ evaluation }) => evaluation !== 'done')).filter((step) => !before.has(step))
    const wrong = this.#record.steps.filter((step) => scored.has(step))
    if (fresh.length + wrong.length > 0) {
      const steps = [...this.#record.steps.filter((step) => !scored.has(step)), ...fresh].slice(-MAX_STEPS)
      this.#record = { count: this.#record.count + fresh.length - wrong.length, steps }
      this.#isSaved = false
    }
    if (!this.#isSaved) await this.#save()
  }

  /** A full disk must not prevent the purge that makes room on it; the next call writes the count. */
  async #save(): Promise<void> {
    const { jobFolder, fence, fs, log } = this.#options
    try {
      await commitFile(join(jobFolder, FILES.skipped), [Buffer.from(JSON.stringify(this.#record))], fs, fence)
      this.#isSaved = true
    } catch (error) {
      log.warn({ ...this.#record, reason: errorMessage(error) }, 'skipped checkpoints not written')
    }
  }
}

function stepsOf(checkpoints: readonly ScoredCheckpoint[]): number[] {
  return checkpoints.map(({ manifest }) => manifest.step)
}
