/**
 * Checkpoint rounds, run by parameter server 0: every shard copies its state and writes a file, then the manifest is
 * written. If a round fails, training continues and the next round tries again.
 */
import { join } from 'node:path'
import { commitFile, syncFolder } from '../checkpoint/commit.ts'
import { inconsistencyIn } from '../checkpoint/consistency.ts'
import type { FileSystem } from '../checkpoint/file-system.ts'
import { encodeManifest, MANIFEST_FILE, type Manifest, type ShardRecord } from '../checkpoint/manifest.ts'
import type { ClassList } from '../contract/classes.ts'
import { checkpointFolder, FILES } from '../contract/files.ts'
import type { PsMetrics } from '../metrics/ps.ts'
import type { Clock } from '../support/clock.ts'
import { sha256Of } from '../support/digest.ts'
import { DownpourError, errorCode, errorMessage, errorText } from '../support/errors.ts'
import type { Log } from '../support/log.ts'
import type { Catalogue } from './catalogue.ts'
import { chooseKept, purge, type RetentionRule, removeFolder } from './retention.ts'
import type { Skipped } from './skipped.ts'

/** A parameter server of a round: the coordinator's own, or one over a connection. */
export interface ShardHandle {
  /** Copies the state when called, or when the request arrives. Resolves when the file is written. */
  snapshot(folder: string): Promise<ShardRecord>
}

export interface RoundsOptions {
  jobFolder: string
  catalogue: Catalogue
  shards: readonly ShardHandle[]
  /** Called in the same tick as the first shard's snapshot. */
  describe: () => Omit<Manifest, 'shards' | 'savedAt' | 'final'>
  /** The job's list of classes, which is saved as well. */
  classes: () => ClassList | undefined
  retention: () => RetentionRule
  skipped: Skipped
  /** Called before writing or removing anything in the folder; throws OUTDATED_GENERATION. */
  fence: () => Promise<void>
  /** A newer generation has taken over the folder. */
  onOutdated: (error: unknown) => void
  fs: FileSystem
  clock: Clock
  log: Log
  metrics: PsMetrics
}

/** Codes of a disk on which other files must go before a checkpoint fits. */
const NO_SPACE = new Set(['ENOSPC', 'EDQUOT'])

export class Rounds {
  readonly failures: { count: number; lastError: string | null } = { count: 0, lastError: null }
  readonly #options: RoundsOptions
  #running: Promise<boolean> | undefined

  constructor(options: RoundsOptions) {
    this.#options = options
  }

  get running(): boolean {
    return this.#running !== undefined
  }

  /**
   * Waits for a running round, then runs another one unless the step is saved already. Never throws.
   * @returns whether there is a checkpoint of this step
   */
  async save(final: boolean): Promise<boolean> {
    while (this.#running) await this.#running
    if (this.#isSaved(final)) return true
    this.#running = this.#round(final).finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  /** Resolves when no round is running. */
  async idle(): Promise<void> {
    while (this.#running) await this.#running
  }

  /** A step is not saved again: its digest would change, which transfers and scores refer to. */
  #isSaved(final: boolean): boolean {
    const newest = this.#options.catalogue.checkpoints.at(-1)?.manifest
    return newest?.step === this.#options.describe().step && (newest.final || !final)
  }

  async #round(final: boolean): Promise<boolean> {
    const { metrics, clock, log } = this.#options
    const startedAt = clock.monotonicMs()
    const facts = { final, step: -1 }
    try {
      facts.step = await this.#write(final)
      metrics.saves.inc({ result: 'success' })
      metrics.saveSeconds.observe((clock.monotonicMs() - startedAt) / 1000)
      metrics.lastSuccess.set(clock.nowMs() / 1000)
      metrics.lastStep.set(facts.step)
      log.info({ ...facts, durationMs: Math.round(clock.monotonicMs() - startedAt) }, 'checkpoint committed')
      return true
    } catch (error) {
      this.failures.count++
      this.failures.lastError = errorText(error)
      metrics.saves.inc({ result: 'failure' })
      if (errorCode(error) === 'OUTDATED_GENERATION') this.#options.onOutdated(error)
      log.error({ final, code: errorCode(error), reason: errorMessage(error) }, 'checkpoint failed')
      // Training must not lose its checkpoints for the sake of scores.
      if (NO_SPACE.has(errorCode(error))) await this.#tidyOrWarn({ ...this.#options.retention(), maxWaiting: 0 })
      return false
    }
  }

  async #write(final: boolean): Promise<number> {
    const { shards, describe, fs, clock, jobFolder, catalogue, fence } = this.#options
    const facts = describe()
    const name = checkpointFolder(facts.step)
    const folder = join(jobFolder, name)
    try {
      // A manifest of an earlier round of this step would declare the new files a checkpoint before they are complete.
      const cleared = fence().then(() => fs.unlink(join(folder, MANIFEST_FILE)).catch(() => {}))
      const snapshots = allSettled(shards.map(async (shard) => shard.snapshot(name)))
      const [records] = await settled(snapshots, cleared)
      const savedAt = new Date(clock.nowMs()).toISOString()
      const classes = await this.#writeClasses(folder)
      const manifest: Manifest = { ...facts, ...classes, final, savedAt, shards: records }
      mustMakeSense(manifest, name)
      const bytes = encodeManifest(manifest)
      await commitFile(join(folder, MANIFEST_FILE), [bytes], fs, fence)
      await syncFolder(jobFolder, fs)
      this.#options.metrics.checkpointBytes.set(records.reduce((sum, record) => sum + record.bytes, 0))
      catalogue.add({ name, folder, manifest, digest: sha256Of(bytes), score: undefined, evaluation: 'waiting' })
    } catch (error) {
      // A newer generation may have a checkpoint of this step.
      await fence()
        .then(() => removeFolder(folder, fs))
        .catch(() => {})
      throw error
    }
    await this.#tidyOrWarn(this.#options.retention())
    return facts.step
  }

  async #writeClasses(folder: string): Promise<Pick<Manifest, 'classes'>> {
    const list = this.#options.classes()
    if (!list) return {}
    const { fs, fence } = this.#options
    const written = await commitFile(join(folder, FILES.classes), [list.bytes], fs, fence)
    return { classes: { file: FILES.classes, count: list.count, ...written } }
  }

  async #tidyOrWarn(rule: RetentionRule): Promise<void> {
    const { log } = this.#options
    await this.#tidy(rule).catch((error) =>
      log.warn({ reason: errorMessage(error) }, 'old checkpoints could not be removed'),
    )
  }

  async #tidy(rule: RetentionRule): Promise<void> {
    const { jobFolder, catalogue, skipped, fs, fence, metrics, log } = this.#options
    await catalogue.refresh()
    await fence()
    const kept = chooseKept(catalogue.checkpoints, rule)
    const old = catalogue.checkpoints.filter(({ manifest }) => !kept.has(manifest.step))
    const before = skipped.count
    if (rule.metric) await skipped.note(catalogue.checkpoints, old)
    metrics.skipped.riseTo(skipped.count)
    if (skipped.count > before) log.warn({ skipped: skipped.count }, 'checkpoints purged before they were scored')
    await purge(jobFolder, old, fs)
    catalogue.remove(new Set(old.map(({ name }) => name)))
  }
}

/** @throws DownpourError CHECKPOINT_NONSENSE: a committed checkpoint that cannot be restored would hide intact ones */
function mustMakeSense(manifest: Manifest, name: string): void {
  const nonsense = inconsistencyIn(manifest, name)
  if (nonsense)
    throw new DownpourError('CHECKPOINT_NONSENSE', `the records of the shards are inconsistent: ${nonsense}`)
}

async function allSettled<T>(work: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(work)
  return Promise.all(work)
}

/** Waits for both before rejecting, so that none writes into a folder that is being removed. */
async function settled<A, B>(one: Promise<A>, other: Promise<B>): Promise<[A, B]> {
  await Promise.allSettled([one, other])
  return Promise.all([one, other])
}
