/** The list of the job's checkpoints with their scores. */
import { join } from 'node:path'
import type { FileSystem } from '../checkpoint/file-system.ts'
import { ManifestCache } from '../checkpoint/manifest-cache.ts'
import type { MetricSpec } from '../contract/metrics.ts'
import type { CheckpointInfo } from '../contract/status.ts'
import { listScored, type ScoredCheckpoint } from './retention.ts'

export interface CatalogueOptions {
  jobFolder: string
  /** The same folder relative to the mounted checkpoint folder, for `CheckpointInfo.path`. */
  relativeFolder: string
  /** Undefined: the job has no evaluation. */
  metric: MetricSpec | undefined
  /** Damaged folders. They do not count until they are written again. */
  refused: ReadonlySet<string>
  fs: FileSystem
}

/** Invariant: a listing that started before `add` or `remove` does not undo it. */
export class Catalogue {
  readonly #options: CatalogueOptions
  readonly #refused: Set<string>
  readonly #cache = new ManifestCache()
  #checkpoints: readonly ScoredCheckpoint[] = []
  /** Rises with each `add` and `remove`. */
  #revision = 0
  #turn: Promise<void> = Promise.resolve()

  constructor(options: CatalogueOptions) {
    this.#options = options
    this.#refused = new Set(options.refused)
  }

  /** Newest last. */
  get checkpoints(): readonly ScoredCheckpoint[] {
    return this.#checkpoints
  }

  /** For the status: newest first. */
  get infos(): CheckpointInfo[] {
    return this.#checkpoints.toReversed().map(({ name, digest, manifest, score }) => ({
      step: manifest.step,
      digest,
      path: join(this.#options.relativeFolder, name),
      savedAt: manifest.savedAt,
      final: manifest.final,
      ...(score === undefined ? {} : { score }),
    }))
  }

  /** Lists the folder again, because the evaluator may have written scores. @throws CHECKPOINT_UNREADABLE */
  refresh(): Promise<void> {
    this.#turn = this.#turn.catch(() => {}).then(() => this.#list())
    return this.#turn
  }

  add(checkpoint: ScoredCheckpoint): void {
    this.#revision++
    this.#refused.delete(checkpoint.name)
    this.#checkpoints = [...this.#checkpoints.filter(({ name }) => name !== checkpoint.name), checkpoint]
  }

  remove(names: ReadonlySet<string>): void {
    this.#revision++
    this.#checkpoints = this.#checkpoints.filter(({ name }) => !names.has(name))
  }

  async #list(): Promise<void> {
    const { jobFolder, metric, fs } = this.#options
    const revision = this.#revision
    const found = await listScored(jobFolder, metric, fs, this.#cache)
    if (revision === this.#revision) this.#checkpoints = found.filter(({ name }) => !this.#refused.has(name))
  }
}
