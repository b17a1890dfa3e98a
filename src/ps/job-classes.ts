/** The job's list of classes, kept by parameter server 0: of the checkpoint that it went back to, or of the first worker. */
import { dirname } from 'node:path'
import { commitFile, makeFolder } from '../checkpoint/commit.ts'
import type { FileSystem } from '../checkpoint/file-system.ts'
import { type ClassesId, type ClassList, decodeClasses, isSameList } from '../contract/classes.ts'
import { errorMessage } from '../support/errors.ts'
import type { Log } from '../support/log.ts'

export class JobClasses {
  #list: ClassList | undefined
  readonly #first = Promise.withResolvers<ClassList>()
  #told: Promise<void> = Promise.resolve()
  readonly #onKept: (list: ClassList) => Promise<void>
  readonly #log: Log

  /**
   * @param saved with the checkpoint; undefined: a new job, or a checkpoint of an older version
   * @param onKept called once, when a worker has brought the list
   */
  constructor(saved: ClassList | undefined, onKept: (list: ClassList) => Promise<void>, log: Log) {
    if (saved) this.#keep(saved)
    this.#onKept = onKept
    this.#log = log
  }

  get list(): ClassList | undefined {
    return this.#list
  }

  /** Null: there is none yet. */
  get id(): ClassesId | null {
    return this.#list ? { count: this.#list.count, sha256: this.#list.sha256 } : null
  }

  /** As soon as there is one: for a worker whose own folder cannot say which classes the job has. */
  ask(): Promise<ClassList> {
    return this.#first.promise
  }

  /**
   * The first offer becomes the job's list, and every later one is answered with that.
   * @throws DownpourError CLASSES_INVALID
   */
  offer({ count, sha256 }: ClassesId, bytes: Uint8Array): ClassList {
    if (this.#list) return this.#list
    decodeClasses(bytes, { count, sha256 }, 'what a worker offers')
    // The buffer that a message came in is used again.
    const list = { count, sha256, bytes: Uint8Array.from(bytes) }
    this.#keep(list)
    this.#log.info({ count, sha256 }, 'the job has its list of classes')
    this.#told = this.#onKept(list)
    return list
  }

  /** Resolves when `onKept` is done. */
  async idle(): Promise<void> {
    await this.#told
  }

  isSameAs(other: ClassesId | null): boolean {
    return isSameList(this.#list, other)
  }

  #keep(list: ClassList): void {
    this.#list = list
    this.#first.resolve(list)
  }
}

/**
 * Leaves the list in the job's folder, or takes away what lies there. Only the evaluator's early check needs the file: a
 * disk that is full now, or a folder in its place, costs that check and not the training.
 * @param list undefined: the job has none yet
 */
export async function publishClasses(
  path: string,
  list: ClassList | undefined,
  { fs, log, fence }: { fs: FileSystem; log: Log; fence: () => Promise<void> },
): Promise<void> {
  try {
    await makeFolder(dirname(path), fs)
    if (list) await commitFile(path, [list.bytes], fs, fence)
    else await fs.rm(path, { force: true })
  } catch (error) {
    log.warn({ path, reason: errorMessage(error) }, 'the list of classes is not kept beside the checkpoints')
  }
}
