/** Scenarios without costs, to which a test adds those that it is about. */
import type { Scenario, ServerWork, WorkerWork } from '../../../src/simulate/scenario.ts'

interface Changes extends Partial<Omit<Scenario, 'worker' | 'servers'>> {
  worker?: Partial<WorkerWork>
  servers?: readonly Partial<ServerWork>[]
}

const FREE: ServerWork = {
  pullBytes: 0,
  pushBytes: 0,
  pullSeconds: 0,
  unchangedSeconds: 0,
  receiveSeconds: 0,
  applySeconds: 0,
  checkpoint: { bytes: 0, copySeconds: 0, hashSecondsPerByte: 0 },
}

/** One worker that computes for a second, and one parameter server. */
export function scenario({ worker = {}, servers = [{}], ...rest }: Changes = {}): Scenario {
  return {
    workers: 1,
    network: { bytesPerSecond: 1e18, latencySeconds: 0 },
    diskBytesPerSecond: 1e9,
    seed: 1,
    ...rest,
    worker: {
      computeSeconds: { mean: 1, variation: 0 },
      processes: 1,
      sharingSeconds: 0,
      inputSeconds: 0,
      sendSecondsPerByte: 0,
      receiveSecondsPerByte: 0,
      fetchEvery: 1,
      pushEvery: 1,
      prefetch: false,
      ...worker,
    },
    servers: servers.map((server) => ({ ...FREE, ...server })),
  }
}

export function near(actual: number, expected: number, relative = 1e-6): void {
  if (Math.abs(actual - expected) <= relative * Math.abs(expected)) return
  throw new RangeError(`${actual} is not within ${relative} of ${expected}`)
}
