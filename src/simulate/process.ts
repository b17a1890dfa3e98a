/**
 * Simulated time. A process is a generator that yields what it waits for: seconds, or the end of another process. Events of
 * the same moment happen in the order in which they were scheduled, so a simulation is deterministic.
 */
export type Process<T = void> = Generator<number | Signal, T, void>

/** Happens once. */
export class Signal {
  #hasFired = false
  #waiting: (() => void)[] = []

  fire(): void {
    this.#hasFired = true
    for (const resume of this.#waiting) resume()
    this.#waiting = []
  }

  /** Calls `resume` when the signal fires, at once if it has. */
  onFired(resume: () => void): void {
    if (this.#hasFired) resume()
    else this.#waiting.push(resume)
  }
}

export class Simulation {
  #nowSeconds = 0
  readonly #events = new EventQueue()

  get nowSeconds(): number {
    return this.#nowSeconds
  }

  /** @returns the end of the process */
  start(process: Process<unknown>): Signal {
    const ended = new Signal()
    this.#advance(process, ended)
    return ended
  }

  /** Runs processes side by side, and waits for all of them. */
  *all(processes: readonly Process<unknown>[]): Process {
    const ends = processes.map((process) => this.start(process))
    for (const end of ends) yield end
  }

  /** Runs until `isOver`, or until no process waits for a time. */
  run(isOver: () => boolean): void {
    while (!isOver()) {
      const next = this.#events.take()
      if (!next) return
      this.#nowSeconds = next.atSeconds
      next.happen()
    }
  }

  #advance(process: Process<unknown>, ended: Signal): void {
    const { done, value } = process.next()
    const resume = () => this.#advance(process, ended)
    if (done) ended.fire()
    else if (value instanceof Signal) value.onFired(resume)
    else this.#events.add(this.#nowSeconds + Math.max(0, value), resume)
  }
}

interface Event {
  atSeconds: number
  /** Order of scheduling. */
  number: number
  happen(): void
}

/** A binary heap. */
class EventQueue {
  readonly #heap: Event[] = []
  #scheduled = 0

  add(atSeconds: number, happen: () => void): void {
    const event = { atSeconds, number: this.#scheduled++, happen }
    let at = this.#heap.length
    for (let parent = (at - 1) >> 1; at > 0 && isBefore(event, this.#at(parent)); parent = (at - 1) >> 1) {
      this.#heap[at] = this.#at(parent)
      at = parent
    }
    this.#heap[at] = event
  }

  take(): Event | undefined {
    const first = this.#heap[0]
    const last = this.#heap.pop()
    if (first && last && this.#heap.length > 0) this.#sink(last)
    return first
  }

  #sink(event: Event): void {
    let at = 0
    for (let child = this.#earlierChild(at); child !== undefined; child = this.#earlierChild(at)) {
      if (!isBefore(this.#at(child), event)) break
      this.#heap[at] = this.#at(child)
      at = child
    }
    this.#heap[at] = event
  }

  #earlierChild(parent: number): number | undefined {
    const [left, right] = [2 * parent + 1, 2 * parent + 2]
    if (left >= this.#heap.length) return undefined
    return right < this.#heap.length && isBefore(this.#at(right), this.#at(left)) ? right : left
  }

  #at(index: number): Event {
    return this.#heap[index] as Event
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.atSeconds < b.atSeconds || (a.atSeconds === b.atSeconds && a.number < b.number)
}
