/** Who each worker index is now, what its last push was answered, and who must not speak for it any more. */
import type { WorkerRecord } from '../checkpoint/manifest.ts'
import { DownpourError } from '../support/errors.ts'

export interface WorkerId {
  index: number
  podUid: string
}

const MAX_SUPERSEDED = 4096

/** One entry a worker index, so the table is as large as the job, not as its history. */
export class WorkerTable {
  readonly #records = new Map<number, WorkerRecord>()
  readonly #superseded: Set<string>
  /** By index: which try the pod is that this process has admitted. What a checkpoint knows has none. */
  readonly #attempts = new Map<number, number>()

  constructor(saved?: { workers: readonly WorkerRecord[]; superseded: readonly string[] }) {
    for (const record of saved?.workers ?? []) this.#records.set(record.index, { ...record })
    this.#superseded = new Set(saved?.superseded)
  }

  /**
   * A pod says it is this worker, and takes the place of the former, which is fenced from then on. Not that of a later
   * try which is there: that one was made because the caller was lost, and nobody has told the caller. If it is gone,
   * the caller may be the newer one all the same, for the numbers of pods that vanished begin anew.
   * @param isThere whether a pod is connected, or was a moment ago
   * @returns the uid that was replaced, if any. @throws DownpourError FENCED and WRONG_PLACE for good, PLACE_TAKEN for now
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
      throw new DownpourError('PLACE_TAKEN', `a later try of worker ${index} is at work (pod ${known.podUid})`, {
        index,
      })
    this.#attempts.set(index, attempt)
    if (known && !isOther) return undefined
    const contributed = known?.contributed ?? false
    this.#records.set(index, { index, podUid, lastSeq: 0, lastResult: 'none', contributed })
    if (known) this.#supersede(known.podUid)
    return known?.podUid
  }

  /** @throws DownpourError FENCED when the pod is not this worker any more. */
  of({ index, podUid }: WorkerId): WorkerRecord {
    const record = this.#records.get(index)
    if (record?.podUid === podUid) return record
    throw new DownpourError('FENCED', `pod ${podUid} is not worker ${index} any more`, { index, podUid })
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
