/** Keeps the state of an unfinished search beside its list, so that the same command continues after an interruption. */
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { z } from 'zod'
import { errorCode } from '../support/errors.ts'

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
  #savedAt = performance.now()

  constructor(list: string) {
    this.#path = `${list}.partial`
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

  /** Writes at most every five seconds. */
  async save(state: () => State): Promise<void> {
    if (performance.now() - this.#savedAt < SAVE_EVERY_MS) return
    await writeFile(`${this.#path}.tmp`, JSON.stringify(state()))
    await rename(`${this.#path}.tmp`, this.#path)
    this.#savedAt = performance.now()
  }

  async remove(): Promise<void> {
    await rm(this.#path, { force: true })
  }
}
