/**
 * The work of kernels over the same elements, shared by threads: the elements are cut into chunks, and a thread runs all kernels
 * over one chunk after the other. So one that the operating system runs late delays nobody, and what the first kernel has
 * written is still in the processor's cache for the next. Threads without work sleep.
 */
import type { KernelCall, KernelFunction } from './kernel.ts'
import { CHUNK } from './kernel-functions.ts'

/** What the threads tell each other, 32-bit integers: the number of the work, chunks that nobody has taken, chunks that are not done. */
const SIGNAL = { turn: 0, left: 1, undone: 2 } as const
/** Float64 values: the number of the work and that of its calls, then each of them. */
const COMMAND_AT_BYTES = 16
const COMMAND_HEAD = 2
/** Index of the function, first element, elements, number of arrays. */
const CALL_HEAD = 4
/** Of a call: its head, then the arguments of the function. */
const CALL_LENGTH = 20

export function controlBytes(maxCalls: number): number {
  return COMMAND_AT_BYTES + 8 * (COMMAND_HEAD + maxCalls * CALL_LENGTH)
}

/** What the other threads get. */
export interface SharedWork {
  readonly memory: WebAssembly.Memory
  readonly control: SharedArrayBuffer
}

/** A call as a thread has read it. */
interface Heard {
  readonly run: KernelFunction
  readonly start: number
  readonly end: number
  /** Number of arrays, whose positions come first. */
  readonly arrays: number
  readonly numbers: readonly number[]
}

/** A chunk is taken by counting `left` down, and the command is read only after that: it may be of later work. */
export class KernelChunks {
  readonly #signal: Int32Array
  readonly #command: Float64Array
  readonly #names: readonly string[]
  readonly #functions: readonly KernelFunction[]
  #number = 0
  /** The last command that was read, and its number. */
  #calls: readonly Heard[] = []
  #heardNumber = 0

  /** @param control as all threads have it, of `controlBytes`. @param functions in the same order in each */
  constructor(control: SharedArrayBuffer, functions: Readonly<Record<string, KernelFunction>>) {
    this.#signal = new Int32Array(control, 0, Object.keys(SIGNAL).length)
    this.#command = new Float64Array(control, COMMAND_AT_BYTES)
    this.#names = Object.keys(functions)
    this.#functions = Object.values(functions)
  }

  /** On this thread alone. */
  runAlone(calls: readonly KernelCall[], length: number): void {
    this.#tell(calls)
    for (let chunk = 0; chunk * CHUNK < length; chunk++) this.#run(chunk)
  }

  runTogether(calls: readonly KernelCall[], length: number): void {
    const chunks = Math.ceil(length / CHUNK)
    this.#tell(calls)
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

  /** Helps with one piece of work after the other, for ever. */
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

  #tell(calls: readonly KernelCall[]): void {
    this.#command.set([++this.#number, calls.length])
    for (const [i, { name, start, length, positions, scalars }] of calls.entries()) {
      const index = this.#names.indexOf(name)
      if (index < 0) throw new RangeError(`kernels.wasm has no ${name}: run npm run generate`)
      const call = [index, start, length, positions.length, ...positions, length, ...scalars]
      this.#command.set(call, COMMAND_HEAD + i * CALL_LENGTH)
    }
  }

  /** The present command, which is read once. */
  #heard(): readonly Heard[] {
    const [number = 0, calls = 0] = this.#command
    if (number !== this.#heardNumber) {
      this.#calls = Array.from({ length: calls }, (_, i) => this.#hear(COMMAND_HEAD + i * CALL_LENGTH))
      this.#heardNumber = number
    }
    return this.#calls
  }

  #hear(at: number): Heard {
    const [index = 0, start = 0, length = 0, arrays = 0] = this.#command.subarray(at, at + CALL_HEAD)
    const run = this.#functions[index] as KernelFunction
    const from = at + CALL_HEAD
    return { run, start, end: start + length, arrays, numbers: [...this.#command.subarray(from, from + run.length)] }
  }

  #run(chunk: number): void {
    const first = chunk * CHUNK
    for (const { run, start, end, arrays, numbers } of this.#heard()) {
      const from = Math.max(start, first)
      const elements = Math.min(end, first + CHUNK) - from
      if (elements <= 0) continue
      const own = numbers.slice()
      for (let i = 0; i < arrays; i++) own[i] = (own[i] as number) + 4 * (from - start)
      own[arrays] = elements
      run(...own)
    }
  }
}
