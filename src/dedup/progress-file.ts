/** Keeps the state of an unfinished search beside its list, so that the same command continues after an interruption. */
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { z } from 'zod'
import { errorCode } from '../support/errors.ts'
import { folderError } from '../support/folder.ts'
import { LIST_USE } from './list.ts'

const count = z.int().min(0)
const State = z.strictObject({
  /** Digest of everything that the result depends on. */
  key: z.string(),
  /** Units of the training sets that were compared. */
  unitsDone: count,
  pictures: count,
  damaged: count,
  found: z.array(
    z.strictObject({
      test: count,
      training: z.string(),
      method: z.enum(['perceptual', 'embedding']),
      distance: z.number(),
    }),
  ),
})
export type State = z.output<typeof State>

const SAVE_EVERY_MS = 5000

export class ProgressFile {
  readonly #path: string
  readonly #saveEveryMs: number
  #savedAt = performance.now()

  /** @param list the path of the list */
  constructor(list: string, saveEveryMs = SAVE_EVERY_MS) {
    this.#path = `${list}.partial`
    this.#saveEveryMs = saveEveryMs
  }

  /** @returns undefined if there is none, or it is of another search: that one begins again */
  async read(key: string): Promise<State | undefined> {
    try {
      const { success, data } = State.safeParse(JSON.parse(await readFile(this.#path, 'utf8')))
      return success && data.key === key ? data : undefined
    } catch (error) {
      if (errorCode(error) === 'ENOENT' || error instanceof SyntaxError) return undefined
      throw error
    }
  }

  /** Writes nothing if the last time was a moment ago. @throws DownpourError DEDUP_OUT_UNUSABLE */
  async save(state: () => State): Promise<void> {
    if (performance.now() - this.#savedAt >= this.#saveEveryMs) await this.saveNow(state())
  }

  /** @throws DownpourError DEDUP_OUT_UNUSABLE */
  async saveNow(state: State): Promise<void> {
    const unfinished = `${this.#path}.tmp`
    try {
      await writeFile(unfinished, JSON.stringify(state))
      await rename(unfinished, this.#path)
    } catch (error) {
      await rm(unfinished, { force: true }).catch(() => {}) // the first error is the one to report
      throw folderError(this.#path, LIST_USE, error)
    }
    this.#savedAt = performance.now()
  }

  async remove(): Promise<void> {
    await rm(this.#path, { force: true })
  }
}
