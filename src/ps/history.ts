import { constants } from 'node:fs'
import { appendFile, mkdir, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { commitFile } from '../checkpoint/commit.ts'
import { READ } from '../checkpoint/file-system.ts'
import { type HistoryRecord, parseHistoryLine } from '../contract/files.ts'
import { errorMessage } from '../support/errors.ts'
import type { Log } from '../support/log.ts'

const POINTS = 400
/** A pipe in the file's place is an error, where a plain `a` would wait for a reader for ever. */
const APPEND = constants.O_APPEND | constants.O_CREAT | constants.O_WRONLY | constants.O_NONBLOCK

/** history.jsonl: about 400 lines a job. A full disk costs lines, never training. */
export class History {
  readonly everySteps: number
  readonly #path: string
  readonly #log: Log
  #queue: Promise<void> = Promise.resolve()

  constructor(path: string, maxSteps: number, log: Log) {
    this.#path = path
    this.#log = log
    this.everySteps = Math.max(1, Math.floor(maxSteps / POINTS))
  }

  append(record: HistoryRecord): void {
    this.#later(async () => {
      await mkdir(dirname(this.#path), { recursive: true })
      await appendFile(this.#path, `${JSON.stringify(record)}\n`, { flag: APPEND })
    })
  }

  /** Forgets what came after `step`: those updates were lost with the process that made them. */
  truncateAfter(step: number): void {
    this.#later(async () => {
      const text = await readFile(this.#path, { encoding: 'utf8', flag: READ }).catch(() => '')
      const kept = text.split('\n').filter((line) => (parseHistoryLine(line)?.step ?? Number.POSITIVE_INFINITY) <= step)
      if (text !== '') await commitFile(this.#path, [Buffer.from(kept.map((line) => `${line}\n`).join(''))])
    })
  }

  /** Resolves when everything so far is written or given up. */
  async flush(): Promise<void> {
    await this.#queue
  }

  #later(work: () => Promise<void>): void {
    this.#queue = this.#queue.then(work).catch((error) => {
      this.#log.warn({ path: this.#path, reason: errorMessage(error) }, 'history not written')
    })
  }
}
