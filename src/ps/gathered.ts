/** Pushes that wait for others of the same update, and what the table of pushes says without them. */
import type { WorkerRecord } from '../checkpoint/manifest.ts'
import type { Gathering } from './async/policy.ts'

export class Gathered {
  readonly #gathering: Gathering
  readonly #rowsBefore = new Map<number, WorkerRecord>()

  constructor(gathering: Gathering) {
    this.#gathering = gathering
  }

  refusal(push: { worker: number; staleness: number }): 'stale' | 'wait' | undefined {
    return this.#gathering.refusal(push)
  }

  /** @param row of the worker, without this push */
  add(row: Readonly<WorkerRecord>, batches: number): void {
    this.#rowsBefore.set(row.index, { ...row })
    this.#gathering.add({ worker: row.index, batches })
  }

  get isComplete(): boolean {
    return this.#gathering.isComplete
  }

  /** Puts the mean in the place of a push. @returns its batches */
  take(): number {
    this.#rowsBefore.clear()
    return this.#gathering.take()
  }

  /** The worker was replaced: its row is that of another pod now. */
  forget(worker: number): void {
    this.#rowsBefore.delete(worker)
  }

  /** @returns the rows without the pushes that wait */
  without(rows: readonly WorkerRecord[]): WorkerRecord[] {
    return rows.map((row) => ({ ...(this.#rowsBefore.get(row.index) ?? row) }))
  }
}
