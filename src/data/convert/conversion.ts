/** Writes the shards of a conversion that are not complete yet. */
import type { AnnotationKind, DataFormatName } from '../../contract/data-formats.ts'
import { DownpourError } from '../../support/errors.ts'
import { folderError } from '../../support/folder.ts'
import { storageErrorReason } from '../../support/storage.ts'
import type { AnnotationKinds, AnyDataset } from '../dataset.ts'
import type { FormatOptions } from '../format.ts'
import type { Label } from '../labels.ts'
import { recordIdOf } from '../records/object-record.ts'
import { OUT, type Request, type Shard, writeConversion, writeText } from './conversion-file.ts'
import { type Counts, NOTHING, sumOf } from './counts.ts'
import { FORMAT_OF, type ItemEncoder, itemEncoder } from './encode-item.ts'
import { inOrder } from './in-order.ts'
import { ItemCursor } from './item-cursor.ts'
import { removeTemporaryFiles, writeFileWhole } from './shard-file.ts'
import { rangeOf, type ShardPlan, type ShardSize } from './shard-plan.ts'

export interface ConvertOptions {
  readonly folder: string
  readonly format: DataFormatName
  readonly formatOptions: Omit<FormatOptions, 'subset'>
  readonly out: string
  /** Of the shards; by default that of the folder. */
  readonly name?: string
  readonly size: ShardSize
  /** Writes the mask of each object. */
  readonly masks: boolean
  /** Damaged images that are left out before the conversion fails. */
  readonly maxCorrupt: number
  readonly onProgress?: (done: number, total: number) => void
  /** Called after each shard, and once at the beginning. */
  readonly onShard?: (complete: number, total: number) => void
  /** Called for each damaged image that is left out. */
  readonly onDamage?: (where: string, reason: string) => void
  readonly signal?: AbortSignal
}

export interface Converted {
  readonly format: DataFormatName
  readonly shards: number
  /** Shards that an earlier run had written. */
  readonly resumedShards: number
  readonly bytes: number
  readonly counts: Counts
}

type Annotation = AnnotationKinds[AnnotationKind]

/** Pictures that are decoded, and records that are encoded, at the same time. */
const AT_ONCE = 16

export class Conversion {
  readonly #options: ConvertOptions
  readonly #dataset: AnyDataset
  readonly #plan: ShardPlan
  readonly #request: Request
  readonly #complete: Record<string, Shard>
  readonly #resumed: number
  readonly #cursor: ItemCursor<Annotation>
  #done = 0
  /** What went wrong while the source was read, which the folder of the shards has no part in. */
  #sourceError: unknown

  constructor(
    options: ConvertOptions,
    dataset: AnyDataset,
    itemCounts: readonly number[],
    plan: ShardPlan,
    request: Request,
    complete: Record<string, Shard>,
  ) {
    this.#options = options
    this.#dataset = dataset
    this.#plan = plan
    this.#request = request
    this.#complete = complete
    this.#resumed = Object.keys(complete).length
    this.#cursor = new ItemCursor<Annotation>(dataset, itemCounts)
  }

  async run(): Promise<Converted> {
    const { out } = this.#options
    await removeTemporaryFiles(out)
    await this.#save()
    await writeText(out, 'labels.json', labelsText(this.#dataset))
    const toRecord = itemEncoder(this.#dataset, this.#options.masks)
    try {
      for (const [i, name] of this.#plan.shards.entries()) {
        if (!this.#complete[name]) await this.#writeShard(name, rangeOf(this.#plan, i), toRecord)
        this.#done = rangeOf(this.#plan, i)[1]
        this.#options.onProgress?.(this.#done, this.#plan.images)
      }
    } finally {
      await this.#cursor.close()
    }
    const shards = Object.values(this.#complete)
    return {
      format: FORMAT_OF[this.#dataset.annotates],
      shards: shards.length,
      resumedShards: this.#resumed,
      bytes: shards.reduce((sum, { bytes }) => sum + bytes, 0),
      counts: this.#counts(),
    }
  }

  /** Says how to go on after the storage of `--out` has failed. */
  withAdvice(error: unknown): unknown {
    if (error === this.#sourceError) return error
    const reason = storageErrorReason(error) ?? storageErrorReason((error as Error)?.cause)
    const { out } = this.#options
    const usable = folderError(out, OUT, error)
    if (reason === undefined || !(usable instanceof DownpourError)) return usable
    const complete = `${Object.keys(this.#complete).length} of ${this.#plan.shards.length} shards are complete`
    const message = `${usable.message}; ${complete}. Make room, and run the same command again to go on`
    return new DownpourError(usable.code, message, { out, reason }, { cause: error })
  }

  async #writeShard(
    name: string,
    [start, end]: readonly [number, number],
    toRecord: ItemEncoder<AnnotationKind>,
  ): Promise<void> {
    const counts = { ...NOTHING }
    this.#done = start
    const bytes = await writeFileWhole(this.#options.out, name, this.#records(start, end, toRecord, counts))
    this.#complete[name] = { bytes, counts }
    await this.#save()
  }

  /** @param counts what is yielded or left out is added to it */
  async *#records(
    start: number,
    end: number,
    toRecord: ItemEncoder<AnnotationKind>,
    counts: Counts,
  ): AsyncGenerator<Uint8Array> {
    try {
      for await (const converted of inOrder(this.#cursor.range(start, end), toRecord, AT_ONCE)) {
        this.#options.signal?.throwIfAborted()
        const added = converted.type === 'record' ? converted.counts : { ...NOTHING, damaged: 1 }
        Object.assign(counts, sumOf([counts, added]))
        if (converted.type === 'record') yield converted.bytes
        else this.#addDamage(converted, counts.damaged)
        this.#options.onProgress?.(++this.#done, this.#plan.images)
      }
    } catch (error) {
      this.#sourceError = error
      throw error
    }
  }

  /** @throws DownpourError BAD_DATA */
  #addDamage({ where, reason }: { where: string; reason: string }, inShard: number): void {
    const { maxCorrupt, onDamage } = this.#options
    const count = this.#counts().damaged + inShard
    if (count <= maxCorrupt) return onDamage?.(where, reason)
    const message = `${where}: ${reason}; this is damaged image ${count}, and --max-corrupt is ${maxCorrupt}`
    throw new DownpourError('BAD_DATA', message, { where, reason, count })
  }

  #counts(): Counts {
    return sumOf(Object.values(this.#complete).map(({ counts }) => counts))
  }

  /** In the order of the shards, so that the file does not show where a run was interrupted. */
  async #save(): Promise<void> {
    const names = this.#plan.shards.filter((name) => this.#complete[name])
    const sorted = Object.fromEntries(names.map((name) => [name, this.#complete[name] as Shard]))
    await writeConversion(this.#options.out, this.#request, sorted)
    this.#options.onShard?.(names.length, this.#plan.shards.length)
  }
}

/** Labels of objects get the number that the records store. */
export function labelsText({ annotates, labels }: AnyDataset): string {
  const numbered = (label: Label): Label => ({ ...label, categoryId: recordIdOf(label) })
  return `${JSON.stringify(annotates === 'objects' ? labels.labels.map(numbered) : labels.labels, null, 1)}\n`
}
