/** The checkpoint that a new job starts from: one of another job, which the operator has pinned, or one on a volume. */
import { join } from 'node:path'
import type { FileSystem } from '../checkpoint/file-system.ts'
import type { Manifest } from '../checkpoint/manifest.ts'
import { readManifest } from '../checkpoint/read-manifest.ts'
import { assertSameModel } from '../checkpoint/same-model.ts'
import type { RuntimeConfig } from '../contract/runtime.ts'
import type { ChosenSource } from '../contract/status.ts'
import { completeModel } from '../contract/training.ts'
import type { Clock } from '../support/clock.ts'
import { DownpourError, errorCode, errorMessage } from '../support/errors.ts'
import type { Log } from '../support/log.ts'
import { findDigest, findNewest } from './find-source.ts'
import { readChoice, writeChoice } from './source-record.ts'

/** Where the weights are, and the digest of their manifest. */
export interface Source {
  folder: string
  digest: string
}

export interface JobSourceOptions {
  config: Pick<RuntimeConfig, 'init' | 'model' | 'batchNorm'>
  /** Of the parameter server. Parameter server 0 chooses a checkpoint on a volume; the others read its choice. */
  index: number
  /** The mounted volume of the source. */
  sourceDir: string
  jobFolder: string
  /** Called before a file appears in the job's folder. */
  fence: () => Promise<void>
  clock: Clock
  fs: FileSystem
  log: Log
}

const POLL_MS = 250

export class JobSource {
  readonly #options: JobSourceOptions
  #chosen: ChosenSource | null = null
  #closed = false

  constructor(options: JobSourceOptions) {
    this.#options = options
  }

  /** The checkpoint on a volume; null: the job has another source, or this is not parameter server 0. */
  get chosen(): ChosenSource | null {
    return this.#chosen
  }

  /** Checks the source of a new job before the first worker has connected. @throws DownpourError CHECKPOINT_* */
  async prepare(): Promise<void> {
    const { config, index, sourceDir } = this.#options
    const { init } = config
    if (init.type === 'checkpoint') await this.#assertPinned(join(sourceDir, init.path), init.digest)
    if (init.type === 'folder' && index === 0)
      this.#chosen = await this.#choose(init).catch((error) => {
        throw withField(error)
      })
  }

  /** For a job that has a checkpoint of its own: only the status needs the choice. */
  async recall(): Promise<void> {
    const { config, jobFolder, fs, log } = this.#options
    if (config.init.type !== 'folder') return
    const recorded = await readChoice(jobFolder, fs).catch((error) =>
      log.warn({ reason: errorMessage(error) }, 'the source of the job is not known any more'),
    )
    this.#chosen = recorded ?? null
  }

  /** Undefined: random weights. Waits until parameter server 0 has chosen. @throws DownpourError STOPPED after `close` */
  async open(): Promise<Source | undefined> {
    const { config, sourceDir } = this.#options
    const { init } = config
    if (init.type === 'random') return undefined
    const { path, digest } = init.type === 'checkpoint' ? init : (this.#chosen ?? (await this.#awaitChoice()))
    return { folder: join(sourceDir, path), digest }
  }

  close(): void {
    this.#closed = true
  }

  async #assertPinned(folder: string, digest: string): Promise<void> {
    const { fs } = this.#options
    const found = await readManifest(folder, fs)
    if (found.digest !== digest) {
      const message = `${folder} is not the chosen checkpoint: manifest ${found.digest}, expected ${digest}`
      throw new DownpourError('CHECKPOINT_WRONG_DIGEST', message, { folder })
    }
    this.#assertFits(folder, found.manifest)
  }

  #assertFits(folder: string, manifest: Manifest): void {
    const { model, batchNorm } = this.#options.config
    assertSameModel(folder, manifest, completeModel(model))
    const saved = manifest.model?.batchNormEpsilon
    if (saved !== undefined && saved !== batchNorm.epsilon)
      this.#options.log.warn(
        { folder, saved, now: batchNorm.epsilon },
        'spec.batchNorm.epsilon differs from that of the checkpoint, so its weights compute other features here',
      )
  }

  /** The checkpoint that this job has chosen before, else the newest. */
  async #choose({ path, digest }: Extract<RuntimeConfig['init'], { type: 'folder' }>): Promise<ChosenSource> {
    const { sourceDir, jobFolder, fence, fs, log } = this.#options
    const place = { sourceDir, path, fs }
    const recorded = await readChoice(jobFolder, fs)
    const wanted = digest ?? recorded?.digest
    const found = wanted === undefined ? await findNewest(place, log) : await findDigest(place, wanted)
    this.#assertFits(join(sourceDir, found.path), found.manifest)
    const chosen = { step: found.manifest.step, digest: found.digest, path: found.path }
    if (recorded?.digest !== chosen.digest) await writeChoice(jobFolder, chosen, fs, fence)
    log.info({ ...chosen }, 'the job starts from this checkpoint')
    return chosen
  }

  async #awaitChoice(): Promise<ChosenSource> {
    const { jobFolder, fs, clock } = this.#options
    while (!this.#closed) {
      const chosen = await readChoice(jobFolder, fs)
      if (chosen) return chosen
      await clock.sleep(POLL_MS)
    }
    throw new DownpourError('STOPPED', 'this parameter server was stopped before the job had chosen its source')
  }
}

function withField(error: unknown): unknown {
  if (!(error instanceof DownpourError) || !errorCode(error).startsWith('CHECKPOINT_')) return error
  return new DownpourError(error.code, `spec.from.volume: ${error.message}`, error.details, { cause: error })
}
