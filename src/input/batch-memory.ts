/** Where the images of batches are. */
export interface BatchMemory {
  /** Its values may be those of an earlier batch. */
  take(values: number): Float32Array
}

/** Each batch has memory of its own. */
export const NEW_MEMORY: BatchMemory = { take: (values) => new Float32Array(values) }

/**
 * Memory that the loader and its thread share, for one batch after another. New memory for each batch would cost twice as
 * much as drawing its pictures: the kernel clears it, and V8 collects garbage whenever 64 MB were sent to another thread.
 */
export class SharedBatchMemory implements BatchMemory {
  /** From the smallest to the largest. */
  #free: SharedArrayBuffer[] = []

  /** Batches of different sizes use the same memory: nothing but garbage collection, which shared memory does not cause, would free more. */
  take(values: number): Float32Array {
    const bytes = values * Float32Array.BYTES_PER_ELEMENT
    const fitting = this.#free.findIndex(({ byteLength }) => byteLength >= bytes)
    const [found] = this.#free.splice(Math.max(0, fitting), 1)
    const memory = found && fitting >= 0 ? found : new SharedArrayBuffer(bytes)
    return new Float32Array(memory, 0, values)
  }

  /** The batch is no longer needed. */
  give(memory: SharedArrayBuffer): void {
    this.#free = [...this.#free, memory].sort((one, other) => one.byteLength - other.byteLength)
  }
}
