/** Compares measured points with the ideal and with the simulation, and says which promises are kept. */
import type { Outcome } from '../../src/simulate/simulate.ts'
import type { Point, Size } from './point.ts'

export interface Compared extends Point {
  /** Workers over the seconds of a wait and of an exchange of one worker alone. */
  readonly idealStepsPerSecond: number
  /** Whether the servers would be full, or nearly, at the ideal rate. */
  readonly isFull: boolean
  readonly simulated: Pick<Outcome, 'stepsPerSecond' | 'staleness'>
  readonly isFitted: boolean
  /** What the server may take: its arrays, and the bodies that the simulation has at once. */
  readonly allowedBytes: number
}

export interface Verdict {
  readonly promise: string
  readonly worst: number
  readonly kept: boolean
}

/** A server that is busier than this makes workers wait for each other. */
const FULL_FROM = 0.8
const LEAST_OF_IDEAL = 0.9
const MOST_OFF = 0.2

/** @param alone one worker, with as many servers */
export function idealOf({ workers, waitedSeconds }: Point, alone: Point): number {
  const exchangeSeconds = 1 / alone.stepsPerSecond - alone.waitedSeconds
  return workers / (waitedSeconds + exchangeSeconds)
}

/** @param serverSeconds wall time of one server for a whole exchange */
export function isFullAt(idealStepsPerSecond: number, { servers }: Size, serverSeconds: number): boolean {
  return (idealStepsPerSecond * serverSeconds) / servers > FULL_FROM
}

export function verdictsOf(points: readonly Compared[]): Verdict[] {
  const least = Math.min(
    ...points.filter(({ isFull }) => !isFull).map((one) => one.stepsPerSecond / one.idealStepsPerSecond),
  )
  const off = points
    .filter(({ isFitted }) => !isFitted)
    .map((one) => Math.abs(one.simulated.stepsPerSecond / one.stepsPerSecond - 1))
  const memory = Math.max(...points.map((one) => one.residentBytes / one.allowedBytes))
  return [
    {
      promise: `steps a second are at least ${LEAST_OF_IDEAL} of the ideal until the servers are full`,
      worst: least,
      kept: least >= LEAST_OF_IDEAL,
    },
    {
      promise: `the simulator, fitted on two points, is within ${MOST_OFF} of every other`,
      worst: Math.max(...off),
      kept: off.every((share) => share <= MOST_OFF),
    },
    {
      promise: 'a server takes no more memory than its arrays and the bodies under way',
      worst: memory,
      kept: memory <= 1,
    },
  ]
}
