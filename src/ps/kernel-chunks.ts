/**
 * The work of one kernel, shared by threads: its arrays are cut into chunks, and each thread takes one after the other, so one
 * that the operating system runs late delays nobody. Threads without work sleep.
 */
import type { KernelFunction } from './kernel.ts'

/** Elements of a chunk, a multiple of the lanes of a kernel: few enough to share the work evenly, and many to a system call. */
export const CHUNK = 1 << 16
/** What the threads tell each other, 32-bit integers: the number of the kernel, chunks that nobody has taken, chunks that are not done. */
const SIGNAL = { turn: 0, left: 1, undone: 2 } as const
/** Float64 values: index of the function, elements, number of arrays, then the arguments. */
const COMMAND_AT_BYTES = 16
const COMMAND_LENGTH = 64
const HEAD = 3
export const CONTROL_BYTES = COMMAND_AT_BYTES + 8 * COMMAND_LENGTH

/** What the other threads get. */
export interface SharedWork {
  readonly memory: WebAssembly.Memory
  readonly control: SharedArrayBuffer
}

/** A chunk is taken by counting `left` down, and the command is read only after that: it may be of a later kernel. */
export class KernelChunks {
  readonly #signal: Int32Array
  readonly #command: Float64Array
  readonly #functions: readonly KernelFunction[]

  /** @param control as all threads have it. @param functions in the same order in each */
  constructor(control: SharedArrayBuffer, functions: readonly KernelFunction[]) {
    this.#signal = new Int32Array(control, 0, Object.keys(SIGNAL).length)
    this.#command = new Float64Array(control, COMMAND_AT_BYTES, COMMAND_LENGTH)
    this.#functions = functions
  }

  runAll(index: number, positions: readonly number[], length: number, scalars: readonly number[]): void {
    const chunks = Math.ceil(length / CHUNK)
    this.#command.set([index, length, positions.length, ...positions, ...scalars])
    Atomics.store(this.#signal, SIGNAL.undone, chunks)
    Atomics.store(this.#signal, SIGNAL.left, chunks)
    Atomics.add(this.#signal, SIGNAL.turn, 1)
    Atomics.notify(this.#signal, SIGNAL.turn)
    this.help()
    for (let undone = this.#undone(); undone > 0; undone = this.#undone())
      Atomics.wait(this.#signal, SIGNAL.undone, undone)
  }

  /** Runs chunks until none is left. */
  help(): void {
    for (let left = this.#take(); left > 0; left = this.#take()) {
      this.#run(left - 1)
      if (Atomics.sub(this.#signal, SIGNAL.undone, 1) === 1) Atomics.notify(this.#signal, SIGNAL.undone)
    }
  }

  /** Helps with one kernel after the other, for ever. */
  serve(): never {
    for (;;) {
      const turn = Atomics.load(this.#signal, SIGNAL.turn)
      this.help()
      Atomics.wait(this.#signal, SIGNAL.turn, turn)
    }
  }

  #take(): number {
    return Atomics.sub(this.#signal, SIGNAL.left, 1)
  }

  #undone(): number {
    return Atomics.load(this.#signal, SIGNAL.undone)
  }

  #run(chunk: number): void {
    const [index = 0, length = 0, arrays = 0] = this.#command
    const from = chunk * CHUNK
    const kernel = this.#functions[index] as KernelFunction
    const numbers = [...this.#command.subarray(HEAD, HEAD + kernel.length - 1)]
    const positions = numbers.slice(0, arrays).map((position) => position + 4 * from)
    kernel(...positions, Math.min(CHUNK, length - from), ...numbers.slice(arrays))
  }
}
