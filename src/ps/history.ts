import { constants } from 'node:fs'
import { appendFile, mkdir, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { commitFile } from '../checkpoint/commit.ts'
import { READ } from '../checkpoint/file-system.ts'
import { type HistoryRecord, parseHistoryLine } from '../contract/files.ts'
import { errorMessage } from '../support/errors.ts'
import type { Log } from '../support/log.ts'

const POINTS = 400
/** With a plain `a` a named pipe in place of the file would block for ever; with these flags it is an error. */
const APPEND = constants.O_APPEND | constants.O_CREAT | constants.O_WRONLY | constants.O_NONBLOCK

/** Writes history.jsonl, about 400 lines for a job. If the disk is full, lines are lost and training continues. */
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

  /** Removes lines after `step`: these updates were lost with the previous process. */
  truncateAfter(step: number): void {
    this.#later(async () => {
      const text = await readFile(this.#path, { encoding: 'utf8', flag: READ }).catch(() => '')
      const kept = text.split('\n').filter((line) => (parseHistoryLine(line)?.step ?? Number.POSITIVE_INFINITY) <= step)
      if (text !== '') await commitFile(this.#path, [Buffer.from(kept.map((line) => `${line}\n`).join(''))])
    })
  }

  /** Resolves when everything so far was written or has failed. */
  async flush(): Promise<void> {
    await this.#queue
  }

  #later(work: () => Promise<void>): void {
    this.#queue = this.#queue.then(work).catch((error) => {
      this.#log.warn({ path: this.#path, reason: errorMessage(error) }, 'history not written')
    })
  }
}
