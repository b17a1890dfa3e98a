/**
 * What the evaluator knows of the scores of a job. A score is written beside its checkpoint, where retention looks for
 * it, and to a file of all scores of the job, which keeps it when the checkpoint is deleted. Both survive a restart.
 */
import { constants } from 'node:fs'
import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'
import { commitFile } from '../checkpoint/commit.ts'
import type { FileSystem } from '../checkpoint/file-system.ts'
import type { ListedCheckpoint } from '../checkpoint/list.ts'
import { readSmallFile } from '../checkpoint/small-file.ts'
import { type EvaluationRecord, FILES, MAX_EVALUATION_BYTES, parseEvaluation } from '../contract/files.ts'
import type { EvaluatorStatus } from '../contract/status.ts'
import { errorCode, errorMessage } from '../support/errors.ts'
import type { Log } from '../support/log.ts'

export interface ScorebookOptions {
  jobFolder: string
  /** Digest of what determines a score besides the checkpoint. Scores of another one are computed again. */
  settings: string
  status: EvaluatorStatus
  fs: FileSystem
  log: Log
}

const MAX_EVALUATIONS = 20
/** With a plain `a` a named pipe in place of the file would block for ever; with these flags it is an error. */
const APPEND = constants.O_APPEND | constants.O_CREAT | constants.O_WRONLY | constants.O_NONBLOCK

export class Scorebook {
  readonly #options: ScorebookOptions
  /** By digest; null: looked for and not found. */
  readonly #records = new Map<string, EvaluationRecord | null>()
  /** Digests of records that could not be written yet. */
  readonly #unwritten = new Set<string>()
  /** The file may end with a line that a crash or a full disk cut short. */
  #isLineOpen = true

  constructor(options: ScorebookOptions) {
    this.#options = options
  }

  has({ digest }: Pick<ListedCheckpoint, 'digest'>): boolean {
    return Boolean(this.#records.get(digest))
  }

  /** Reads scores of an earlier process, and writes those that could not be written. Call after each listing. */
  async synchronize(checkpoints: readonly ListedCheckpoint[]): Promise<void> {
    for (const checkpoint of checkpoints) {
      const { digest } = checkpoint
      if (!this.#records.has(digest)) this.#learn(digest, await this.#stored(checkpoint))
      else if (this.#unwritten.has(digest)) await this.#write(checkpoint)
    }
    const listed = new Set(checkpoints.map(({ digest }) => digest))
    for (const digest of this.#records.keys()) if (!listed.has(digest)) this.#forget(digest)
  }

  /** Reports the score before writing it, because retention may have purged the folder, or the disk may be full. */
  async add(record: EvaluationRecord, checkpoint: ListedCheckpoint): Promise<void> {
    this.#learn(record.digest, record)
    await this.#append(record)
    this.#unwritten.add(record.digest)
    await this.#write(checkpoint)
  }

  #learn(digest: string, record: EvaluationRecord | null): void {
    const { status } = this.#options
    this.#records.set(digest, record)
    if (!record) return
    const others = status.evaluations.filter((one) => one.digest !== digest)
    status.evaluations = [record, ...others].sort((a, b) => b.step - a.step).slice(0, MAX_EVALUATIONS)
  }

  #forget(digest: string): void {
    this.#records.delete(digest)
    this.#unwritten.delete(digest)
  }

  async #stored({ folder, digest }: ListedCheckpoint): Promise<EvaluationRecord | null> {
    const path = join(folder, FILES.evaluation)
    const bytes = await readSmallFile(path, MAX_EVALUATION_BYTES, this.#options.fs).catch(() => undefined)
    const found = bytes && parseEvaluation(bytes.toString('utf8'))
    if (found?.digest !== digest || found.settings !== this.#options.settings) return null
    const { settings, ...record } = found
    return record
  }

  async #write(checkpoint: ListedCheckpoint): Promise<void> {
    const { fs, log, settings } = this.#options
    const { folder, digest } = checkpoint
    const record = { ...this.#records.get(digest), settings }
    try {
      await commitFile(join(folder, FILES.evaluation), [Buffer.from(JSON.stringify(record))], fs)
      this.#unwritten.delete(digest)
    } catch (error) {
      const facts = { folder, code: errorCode(error), reason: errorMessage(error) }
      log.warn(facts, 'score reported, but not written to the folder of its checkpoint')
    }
  }

  async #append(record: EvaluationRecord): Promise<void> {
    const { jobFolder, log } = this.#options
    const path = join(jobFolder, FILES.evaluations)
    const line = `${this.#isLineOpen ? '\n' : ''}${JSON.stringify(record)}\n`
    this.#isLineOpen = true
    try {
      await appendFile(path, line, { flag: APPEND })
      this.#isLineOpen = false
    } catch (error) {
      log.warn({ path, code: errorCode(error), reason: errorMessage(error) }, 'score not written to the list of scores')
    }
  }
}
