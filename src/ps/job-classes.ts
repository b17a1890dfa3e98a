/** The job's list of classes on parameter server 0: from the restored checkpoint, or from the first worker. */
import { dirname } from 'node:path'
import { commitFile, makeFolder } from '../checkpoint/commit.ts'
import type { FileSystem } from '../checkpoint/file-system.ts'
import { type ClassesId, type ClassList, decodeClasses, isSameList } from '../contract/classes.ts'
import { errorMessage } from '../support/errors.ts'
import type { Log } from '../support/log.ts'

export class JobClasses {
  #list: ClassList | undefined
  readonly #first = Promise.withResolvers<ClassList>()
  #published: Promise<void> = Promise.resolve()
  readonly #onKept: (list: ClassList) => Promise<void>
  readonly #log: Log

  /**
   * @param saved in the checkpoint; undefined: a new job, or a checkpoint of an older version
   * @param onKept called once, with the list of the first worker
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

  /** Resolves as soon as there is a list, for a worker whose own folder cannot provide it. */
  ask(): Promise<ClassList> {
    return this.#first.promise
  }

  /**
   * The first offer becomes the job's list. Every later offer is answered with this list.
   * @throws DownpourError CLASSES_INVALID
   */
  offer({ count, sha256 }: ClassesId, bytes: Uint8Array): ClassList {
    if (this.#list) return this.#list
    decodeClasses(bytes, { count, sha256 }, 'the list from a worker')
    // A copy, because the buffer of the message is reused.
    const list = { count, sha256, bytes: Uint8Array.from(bytes) }
    this.#keep(list)
    this.#log.info({ count, sha256 }, 'the job has its list of classes')
    this.#published = this.#onKept(list)
    return list
  }

  /** Resolves when `onKept` is done. */
  async idle(): Promise<void> {
    await this.#published
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
 * Writes the list into the job's folder, or removes an old one. Only an early check of the evaluator needs the file: if
 * the write fails, that check is skipped and training continues.
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
    log.warn({ path, reason: errorMessage(error) }, 'the list of classes could not be written beside the checkpoints')
  }
}
