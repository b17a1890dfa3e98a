/** The present pod of each worker index, the result of its last push, and the pods that were replaced. */
import type { WorkerRecord } from '../checkpoint/manifest.ts'
import { DownpourError } from '../support/errors.ts'

export interface WorkerId {
  index: number
  podUid: string
}

const MAX_SUPERSEDED = 4096

/** One entry for each worker index, so that the table does not grow with the number of restarts. */
export class WorkerTable {
  readonly #records = new Map<number, WorkerRecord>()
  readonly #superseded: Set<string>
  /** By index: the attempt of the admitted pod. Pods from a checkpoint have none. */
  readonly #attempts = new Map<number, number>()

  constructor(saved?: { workers: readonly WorkerRecord[]; superseded: readonly string[] }) {
    for (const record of saved?.workers ?? []) this.#records.set(record.index, { ...record })
    this.#superseded = new Set(saved?.superseded)
  }

  /**
   * Admits a pod as this worker and fences the former pod. A pod does not replace a connected pod of a later attempt: that
   * one was created because this one was considered lost. If the later one is gone, this one is admitted, because attempt
   * numbers start over when all pods of an index were deleted.
   * @param isThere whether a pod is connected, or may still reconnect
   * @returns the uid of the replaced pod, if any
   * @throws DownpourError FENCED, WRONG_PLACE: final. PLACE_TAKEN: the pod may try again
   */
  admit({ index, podUid }: WorkerId, attempt: number, isThere: (podUid: string) => boolean): string | undefined {
    if (this.#superseded.has(podUid))
      throw new DownpourError('FENCED', `another pod has taken the place of worker ${index} (pod ${podUid})`, { index })
    for (const other of this.#records.values())
      if (other.podUid === podUid && other.index !== index)
        throw new DownpourError('WRONG_PLACE', `pod ${podUid} is worker ${other.index}, not ${index}`, { index })
    const known = this.#records.get(index)
    const isOther = known !== undefined && known.podUid !== podUid
    if (isOther && attempt < (this.#attempts.get(index) ?? 0) && isThere(known.podUid))
      throw new DownpourError('PLACE_TAKEN', `a later attempt of worker ${index} is running (pod ${known.podUid})`, {
        index,
      })
    this.#attempts.set(index, attempt)
    if (known && !isOther) return undefined
    const contributed = known?.contributed ?? false
    this.#records.set(index, { index, podUid, lastSeq: 0, lastResult: 'none', contributed })
    if (known) this.#supersede(known.podUid)
    return known?.podUid
  }

  /** @throws DownpourError FENCED if the pod is not this worker any more */
  of({ index, podUid }: WorkerId): WorkerRecord {
    const record = this.#records.get(index)
    if (record?.podUid === podUid) return record
    throw new DownpourError('FENCED', `pod ${podUid} is not worker ${index} any more`, { index, podUid })
  }

  isPresent({ index, podUid }: WorkerId): boolean {
    return this.podUidOf(index) === podUid
  }

  /** The present pod of the worker. */
  podUidOf(index: number): string | undefined {
    return this.#records.get(index)?.podUid
  }

  get contributed(): number {
    return [...this.#records.values()].filter((record) => record.contributed).length
  }

  save(): { workers: WorkerRecord[]; superseded: string[] } {
    return { workers: [...this.#records.values()].map((record) => ({ ...record })), superseded: [...this.#superseded] }
  }

  #supersede(podUid: string): void {
    this.#superseded.add(podUid)
    const [oldest] = this.#superseded
    if (this.#superseded.size > MAX_SUPERSEDED && oldest !== undefined) this.#superseded.delete(oldest)
  }
}
