/** Fits the simulator on two measured points, and simulates the others. */
import type { Scenario, ServerWork } from '../../src/simulate/scenario.ts'
import { type Outcome, simulate } from '../../src/simulate/simulate.ts'
import { placeLayout } from '../../src/wire/layout.ts'
import { COMPUTE, LAYOUT } from './job.ts'
import type { Point, Size } from './point.ts'

/** Seconds that the two points do not say apart for pull and push: bytes cost the same in both. */
export interface Fitted {
  /** Wall time of the thread of a parameter server, for a pull or a push without its bytes. */
  readonly secondsPerRequest: number
  readonly serverSecondsPerByte: number
  readonly workerSecondsPerByte: number
}

const REQUESTS = 2
/** Bodies of one exchange, of all servers together. */
const BYTES = REQUESTS * 4 * LAYOUT.variables.reduce((sum, { shape }) => sum + (shape[0] as number), 0)
/** The network is the loopback, whose work is done by the threads. */
const LOOPBACK = { bytesPerSecond: 1e12, latencySeconds: 0 }

/**
 * @param alone one worker, one server: nothing waits, so that a step takes the wait, the server's work and the worker's
 * @param full so many workers that the one server always works: a step takes the server's work
 * @param secondsPerRequest measured apart, because both points have as many requests as bodies
 */
export function fitOn(alone: Point, full: Point, secondsPerRequest: number): Fitted {
  const exchangeSeconds = 1 / alone.stepsPerSecond - alone.waitedSeconds
  const serverSeconds = 1 / full.stepsPerSecond
  return {
    secondsPerRequest,
    serverSecondsPerByte: Math.max(0, serverSeconds - REQUESTS * secondsPerRequest) / BYTES,
    workerSecondsPerByte: Math.max(0, exchangeSeconds - serverSeconds) / BYTES,
  }
}

/** @param waitedSeconds mean of the waits at the point, because timers are late */
export function simulatePoint({ workers, servers }: Size, waitedSeconds: number, fitted: Fitted): Outcome {
  const { secondsPerRequest, serverSecondsPerByte, workerSecondsPerByte } = fitted
  const scenario: Scenario = {
    workers,
    worker: {
      computeSeconds: { ...COMPUTE, mean: waitedSeconds },
      processes: 1,
      sharingSeconds: 0,
      inputSeconds: 0,
      sendSecondsPerByte: workerSecondsPerByte,
      receiveSecondsPerByte: workerSecondsPerByte,
      fetchEvery: 1,
      pushEvery: 1,
      prefetch: false,
    },
    servers: placeLayout(LAYOUT, servers).shards.map(({ total }) => {
      const bytes = 4 * total
      return serverWork(bytes, secondsPerRequest, bytes * serverSecondsPerByte)
    }),
    network: LOOPBACK,
    diskBytesPerSecond: 1,
    seed: 0,
  }
  return simulate(scenario)
}

function serverWork(bytes: number, requestSeconds: number, bodySeconds: number): ServerWork {
  return {
    pullBytes: bytes,
    pushBytes: bytes,
    pullSeconds: requestSeconds + bodySeconds,
    unchangedSeconds: requestSeconds,
    receiveSeconds: bodySeconds,
    applySeconds: requestSeconds,
    checkpoint: { bytes: 0, copySeconds: 0, hashSecondsPerByte: 0 },
  }
}
