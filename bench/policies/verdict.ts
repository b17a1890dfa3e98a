/** Whether the loss of each contender is no more than two standard errors above that of the first one. */
import { type Estimate, estimate } from '../transfer/verdict.ts'

const STANDARD_ERRORS = 2

export interface Verdict {
  readonly name: string
  readonly loss: Estimate
  /** Less that of the first one. */
  readonly difference: number
  /** Of the difference; undefined for a single seed. */
  readonly standardError: number | undefined
  readonly kept: boolean | undefined
}

/** @param losses by contender, those of all seeds; the first contender is the reference */
export function verdicts(losses: ReadonlyMap<string, readonly number[]>): Verdict[] {
  const estimates = [...losses].map(([name, values]) => ({ name, loss: estimate(values) }))
  const [reference] = estimates
  return estimates.map(({ name, loss }) => {
    const difference = loss.mean - (reference?.loss.mean ?? Number.NaN)
    const standardError = ofDifference(loss, reference?.loss)
    const kept = standardError === undefined ? undefined : difference <= STANDARD_ERRORS * standardError
    return { name, loss, difference, standardError, kept }
  })
}

function ofDifference(one: Estimate, other: Estimate | undefined): number | undefined {
  if (one.standardError === undefined || other?.standardError === undefined) return undefined
  return Math.hypot(one.standardError, other.standardError)
}
