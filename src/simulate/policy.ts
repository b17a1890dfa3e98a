/** How an asynchrony policy makes workers wait for each other, as the files of src/ps/async do it. */
import { DelayBound } from '../ps/async/delay-bound.ts'

/** Absent: no worker waits. */
export type Synchrony =
  /** Parameter server 0 lets a worker pull if it is at most so many pushes ahead of the slowest one. */
  | { readonly type: 'boundedDelay'; readonly maxDelay: number }
  /** So many gradients of the present weights are one update; later ones are refused. */
  | { readonly type: 'syncBackup'; readonly gradients: number }

/** The policy on one parameter server. */
export interface SimulatedPolicy {
  onPull(worker: number): void
  onPushed(worker: number): void
  mustWait(worker: number): boolean
  /** Whether a push of this staleness counts. */
  accepts(worker: number, staleness: number): boolean
  /** Takes an accepted push. @returns whether it completes an update */
  completes(worker: number): boolean
}

const FREE: SimulatedPolicy = {
  onPull: () => {},
  onPushed: () => {},
  mustWait: () => false,
  accepts: () => true,
  completes: () => true,
}

/** @param server number of the parameter server */
export function createPolicy(synchrony: Synchrony | undefined, server: number): SimulatedPolicy {
  switch (synchrony?.type) {
    case 'boundedDelay':
      return server === 0 ? boundedDelay(synchrony.maxDelay) : FREE
    case 'syncBackup':
      return syncBackup(synchrony.gradients)
    default:
      return FREE
  }
}

function boundedDelay(maxDelay: number): SimulatedPolicy {
  const bound = new DelayBound(maxDelay)
  return {
    ...FREE,
    onPull: (worker) => bound.join(worker),
    onPushed: (worker) => bound.count(worker),
    mustWait: (worker) => bound.mustWait(worker),
  }
}

function syncBackup(gradients: number): SimulatedPolicy {
  const contributors = new Set<number>()
  return {
    ...FREE,
    mustWait: (worker) => contributors.has(worker),
    accepts: (_, staleness) => staleness === 0,
    completes(worker) {
      contributors.add(worker)
      if (contributors.size < gradients) return false
      contributors.clear()
      return true
    },
  }
}
