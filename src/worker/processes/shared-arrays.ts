/**
 * The weights of a pod and the gradient of each of its processes, in one file in memory. No folder has the file, so it is
 * gone when the last process has ended, however that ends. Each process copies what it needs: Node maps no files.
 */

import { randomUUID } from 'node:crypto'
import { closeSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { DownpourError, errorCode } from '../../support/errors.ts'
import type { LayoutEntry, ShardLayout } from '../../wire/layout.ts'
import { pushedOf } from '../buffers.ts'
import type { Values } from '../step-source.ts'

const FLOAT_BYTES = 4
/** Stays in the processor's cache between reading and adding. */
const CHUNK_FLOATS = 1 << 16
const MIB = 2 ** 20

export class SharedArrays {
  readonly fd: number
  readonly #whole: ShardLayout
  readonly #processes: number

  /** @param whole the layout of the model on a single shard */
  constructor(fd: number, whole: ShardLayout, processes: number) {
    this.fd = fd
    this.#whole = whole
    this.#processes = processes
  }

  /**
   * Reserves the memory, so that it cannot be missing later.
   * @param folder of a file system in memory. @throws DownpourError SHARED_MEMORY_FULL
   */
  static create(folder: string, whole: ShardLayout, processes: number): SharedArrays {
    const path = join(folder, `downpour-${randomUUID()}`)
    const shared = new SharedArrays(openSync(path, 'wx+', 0o600), whole, processes)
    unlinkSync(path)
    shared.#reserve(folder)
    return shared
  }

  close(): void {
    closeSync(this.fd)
  }

  writeWeights(weights: Values): void {
    this.#write(this.#whole.entries, 0, weights)
  }

  /** @param into by variable */
  readWeights(into: Values): void {
    this.#read(this.#whole.entries, 0, into)
  }

  /** @param values gradients and batch statistics by variable */
  writeGradient(process: number, values: Values): void {
    this.#write(pushedOf(this.#whole), this.#gradientAt(process), values)
  }

  readGradient(process: number, into: Values): void {
    this.#read(pushedOf(this.#whole), this.#gradientAt(process), into)
  }

  /**
   * Adds gradients to that of the first process, in order, in the part of the values that belongs to one process.
   * @param of at least one
   */
  addPart(process: number, [first = 0, ...others]: readonly number[]): void {
    const values = this.#pushLength
    const length = Math.ceil(values / this.#processes)
    const sums = new Float32Array(CHUNK_FLOATS)
    const added = new Float32Array(CHUNK_FLOATS)
    const end = Math.min(values, (process + 1) * length)
    for (let at = process * length; at < end; at += CHUNK_FLOATS) {
      const size = Math.min(CHUNK_FLOATS, end - at)
      const [sum, more] = [sums.subarray(0, size), added.subarray(0, size)]
      readAt(this.fd, sum, this.#gradientAt(first) + at)
      for (const other of others) {
        readAt(this.fd, more, this.#gradientAt(other) + at)
        add(sum, more)
      }
      writeAt(this.fd, sum, this.#gradientAt(first) + at)
    }
  }

  get #pushLength(): number {
    return this.#whole.trainable + this.#whole.statistic
  }

  /** In values, from the start of the file. */
  #gradientAt(process: number): number {
    return this.#whole.total + process * this.#pushLength
  }

  #write(entries: readonly LayoutEntry[], start: number, values: Values): void {
    for (const { name, offset } of entries) writeAt(this.fd, values.get(name) as Float32Array, start + offset)
  }

  #read(entries: readonly LayoutEntry[], start: number, into: Values): void {
    for (const { name, offset } of entries) readAt(this.fd, into.get(name) as Float32Array, start + offset)
  }

  #reserve(folder: string): void {
    const values = this.#gradientAt(this.#processes)
    const zeros = new Float32Array(CHUNK_FLOATS)
    try {
      for (let at = 0; at < values; at += CHUNK_FLOATS)
        writeAt(this.fd, zeros.subarray(0, Math.min(CHUNK_FLOATS, values - at)), at)
    } catch (error) {
      if (errorCode(error) !== 'ENOSPC') throw error
      const mebibytes = Math.ceil((FLOAT_BYTES * values) / MIB)
      const message = `${folder} has no room for ${mebibytes} MiB, the weights and the gradients of ${this.#processes} processes: it must be a volume in memory (emptyDir with medium: Memory) within the memory limit of the pod`
      throw new DownpourError('SHARED_MEMORY_FULL', message, { folder, mebibytes }, { cause: error })
    }
  }
}

export function add(sum: Float32Array, more: Float32Array): void {
  for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] as number) + (more[i] as number)
}

/** @param at in values */
function readAt(fd: number, into: Float32Array, at: number): void {
  const { buffer, byteOffset, byteLength } = into
  const bytes = readSync(fd, new Uint8Array(buffer, byteOffset, byteLength), 0, byteLength, FLOAT_BYTES * at)
  if (bytes !== byteLength) throw new RangeError(`read ${bytes} of ${byteLength} bytes of shared memory`)
}

/** @param at in values */
function writeAt(fd: number, values: Float32Array, at: number): void {
  const { buffer, byteOffset, byteLength } = values
  const bytes = new Uint8Array(buffer, byteOffset, byteLength)
  // A write is incomplete when the space ends; the next one then fails.
  for (let done = 0; done < byteLength; ) done += writeSync(fd, bytes, done, byteLength - done, FLOAT_BYTES * at + done)
}
