/** The turns of the workers: tells policy and pace what each of them does, and holds pulls until the policy lets them go on. */
import type { Policy } from './async/policy.ts'

/** A worker that waits longer is told to ask again, so that no request stays open for long. */
const AT_MOST_MS = 1000

/** Measures how long each worker computes; times of waiting for others do not count. */
export interface Pace {
  onPull(worker: number): void
  onWait(worker: number): void
  onPushed(worker: number): void
  leave(worker: number): void
}

export class Turns {
  readonly #policy: Policy
  readonly #pace: Pace | undefined
  readonly #checks = new Set<() => void>()

  constructor(policy: Policy, pace?: Pace) {
    this.#policy = policy
    this.#pace = pace
  }

  mustWait(worker: number): boolean {
    return this.#policy.mustWait?.(worker) === true
  }

  /** Resolves when the worker may pull or `isOver`, or after a second. */
  async wait(worker: number, isOver: () => boolean): Promise<void> {
    const mayGo = () => isOver() || !this.mustWait(worker)
    if (mayGo()) return
    this.#pace?.onWait(worker)
    const { promise, resolve } = Promise.withResolvers<void>()
    const check = () => {
      if (mayGo()) resolve()
    }
    const timer = setTimeout(() => {
      this.onWaited(worker)
      resolve()
    }, AT_MOST_MS)
    this.#checks.add(check)
    await promise
    clearTimeout(timer)
    this.#checks.delete(check)
  }

  /** Call when the worker has waited for as long as a request may be open. */
  onWaited(worker: number): void {
    this.#policy.onWaited?.(worker)
  }

  /** Call after a change that waiting pulls may depend on. */
  wake(): void {
    for (const check of this.#checks) check()
  }

  onPull(worker: number): void {
    this.#pace?.onPull(worker)
    this.#policy.onPull?.(worker)
  }

  onPushed(worker: number): void {
    this.#pace?.onPushed(worker)
    this.#policy.onPushed?.(worker)
  }

  leave(worker: number): void {
    this.#pace?.leave(worker)
    this.#policy.leave?.(worker)
  }

  forget(worker: number): void {
    this.#pace?.leave(worker)
    this.#policy.forget?.(worker)
  }
}
