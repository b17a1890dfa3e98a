/** Reads a data set picture by picture, decodes several at once, and counts those that cannot be decoded. */
import type { AnyDataset, Encoded } from '../data/dataset.ts'
import { DownpourError, errorMessage } from '../support/errors.ts'
import { printable } from '../support/printable.ts'
import type { Method } from './method.ts'

export interface Picture {
  readonly id: string
  /** What each method needs of it, in the order of the methods. */
  readonly prepared: readonly unknown[]
}

/** Counts what cannot be read. */
export class Damage {
  readonly #limit: number
  count: number

  /** @param count found by an earlier run that this one continues */
  constructor(limit: number, count = 0) {
    this.#limit = limit
    this.count = count
  }

  /** @throws DownpourError BAD_DATA above the limit: a list made from a part of the pictures would look complete */
  add(where: string, reason: string): void {
    this.count++
    if (this.count <= this.#limit) return
    const message = `${where}: ${reason}; this is damaged record ${this.count}, and --max-corrupt is ${this.#limit}`
    throw new DownpourError('BAD_DATA', message, { where, reason, count: this.count })
  }
}

/** Pictures that are decoded at once. The next batch is decoded while one is compared. */
const BATCH = 32

/** @throws DownpourError BAD_DATA, DATA_UNREADABLE; AbortError */
export async function* readPictures(
  dataset: AnyDataset,
  unit: number,
  methods: readonly Method[],
  damage: Damage,
  signal?: AbortSignal,
): AsyncGenerator<Picture[]> {
  let decoding: Promise<Picture[]> | undefined
  for await (const batch of batchesOf(dataset, unit, damage)) {
    signal?.throwIfAborted()
    const next = decodeAll(batch, methods, damage)
    // Without a handler, a failure while the batch before is compared would end the process.
    next.catch(() => {})
    if (decoding) yield await decoding
    decoding = next
  }
  if (decoding) yield await decoding
}

async function* batchesOf(dataset: AnyDataset, unit: number, damage: Damage) {
  let batch: Encoded<unknown>[] = []
  for await (const item of dataset.read(unit)) {
    if (item.type === 'corrupt') damage.add(item.where, item.reason)
    else batch.push(item)
    if (batch.length < BATCH) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}

async function decodeAll(batch: readonly Encoded<unknown>[], methods: readonly Method[], damage: Damage) {
  const decoded = await Promise.all(batch.map((example) => decodeOrCount(example, methods, damage)))
  return decoded.filter((picture) => picture !== undefined)
}

async function decodeOrCount({ id, bytes, where }: Encoded<unknown>, methods: readonly Method[], damage: Damage) {
  try {
    return { id, prepared: await Promise.all(methods.map((method) => method.prepare(bytes))) }
  } catch (error) {
    damage.add(`${where}, image ${printable(id)}`, errorMessage(error))
    return undefined
  }
}
