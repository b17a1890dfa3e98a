/** The job's checkpoints with their scores, as parameter server 0 knows them. */
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
  /** Undefined: nothing scores the checkpoints. */
  metric: MetricSpec | undefined
  /** Folders that are damaged: no checkpoints, until they are written anew. */
  refused: ReadonlySet<string>
  fs: FileSystem
}

/** Invariant: what was added or removed is never undone by a look at the folder that began before. */
export class Catalogue {
  readonly #options: CatalogueOptions
  readonly #refused: Set<string>
  readonly #cache = new ManifestCache()
  #checkpoints: readonly ScoredCheckpoint[] = []
  /** Rises with each change that is not a look at the folder. */
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

  /** Looks at the folder, once at a time: the evaluator writes scores when it likes. @throws CHECKPOINT_UNREADABLE */
  refresh(): Promise<void> {
    this.#turn = this.#turn.catch(() => {}).then(() => this.#look())
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

  async #look(): Promise<void> {
    const { jobFolder, metric, fs } = this.#options
    const revision = this.#revision
    const found = await listScored(jobFolder, metric, fs, this.#cache)
    if (revision === this.#revision) this.#checkpoints = found.filter(({ name }) => !this.#refused.has(name))
  }
}
