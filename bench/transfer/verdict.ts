/** What the scores of all seeds say about one task: means with standard errors, and whether each promise is kept. */
import type { TransferTask } from './tasks.ts'
import { LONG_TWIN, RANDOM_TWINS, type RandomTwin, VARIANTS } from './variants.ts'

/** Scores of one task and seed, by variant. */
export type Scores = Readonly<Record<string, number>>

export interface Estimate {
  readonly mean: number
  /** Of the mean; undefined for a single seed. */
  readonly standardError: number | undefined
}

export interface Check {
  readonly promise: string
  readonly value: string
  /** undefined: one seed has no standard error. */
  readonly kept: boolean | undefined
}

export interface TaskVerdict {
  readonly task: string
  readonly metric: string
  readonly scores: Readonly<Record<string, Estimate>>
  /** Fine-tuned less the better random twin of the same seed, and the same of the control. */
  readonly gain: Estimate
  readonly controlGain: Estimate
  readonly checks: readonly Check[]
}

/** A gain counts as one from this many standard errors on. */
const SIGNIFICANT = 2
/** The control may keep no more of the gain. */
const CONTROL_SHARE = 0.2

/** @param bySeed scores of each seed, each with every variant */
export function verdictOf(task: TransferTask, bySeed: readonly Scores[]): TaskVerdict {
  const of = (value: (scores: Scores) => number) => estimate(bySeed.map(value))
  const gainOver = (variant: string) => (scores: Scores) => scoreOf(scores, variant) - betterRandom(scores)
  const [gain, controlGain] = [of(gainOver('fine-tuned')), of(gainOver('control'))]
  const names = [...VARIANTS, LONG_TWIN].filter((name) => bySeed.every((scores) => name in scores))
  const scores = Object.fromEntries(names.map((name) => [name, of((one) => scoreOf(one, name))]))
  const checks = [
    ...gainChecks(task, gain),
    ...rangeChecks(
      task,
      of((one) => scoreOf(one, 'fine-tuned')),
    ),
    ...frozenChecks(
      task,
      of((one) => scoreOf(one, 'fine-tuned') - scoreOf(one, 'frozen')),
    ),
    ...controlChecks(gain, controlGain),
  ]
  return { task: task.name, metric: task.metric, scores, gain, controlGain, checks }
}

/** The mean, and its standard error: the deviation of the values over the root of their number. */
export function estimate(values: readonly number[]): Estimate {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  if (values.length < 2) return { mean, standardError: undefined }
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1)
  return { mean, standardError: Math.sqrt(variance / values.length) }
}

/** The random twin with the higher score. */
export function betterTwin(scores: Scores): RandomTwin {
  return RANDOM_TWINS.reduce((best, twin) => (scoreOf(scores, twin) > scoreOf(scores, best) ? twin : best))
}

/** @example '0.823 ± 0.012' */
export function estimateText({ mean, standardError }: Estimate): string {
  return standardError === undefined ? mean.toFixed(3) : `${mean.toFixed(3)} ± ${standardError.toFixed(3)}`
}

function betterRandom(scores: Scores): number {
  return scoreOf(scores, betterTwin(scores))
}

/** @throws Error: a job has no score */
function scoreOf(scores: Scores, variant: string): number {
  const score = scores[variant]
  if (score === undefined) throw new Error(`${variant}: no score`)
  return score
}

function gainChecks({ minGain }: TransferTask, gain: Estimate): Check[] {
  const value = estimateText(gain)
  return [
    { promise: `gain of at least ${minGain}`, value, kept: gain.mean >= minGain },
    { promise: `gain above ${SIGNIFICANT} standard errors`, value, kept: exceeds(gain) },
  ]
}

function rangeChecks({ range }: TransferTask, score: Estimate): Check[] {
  if (!range) return []
  const [low, high] = range
  const promise = `fine-tuned between ${low} and ${high}`
  return [{ promise, value: estimateText(score), kept: score.mean >= low && score.mean <= high }]
}

function frozenChecks({ mustBeatFrozen }: TransferTask, difference: Estimate): Check[] {
  if (!mustBeatFrozen) return []
  return [
    { promise: 'fine-tuned at least as good as frozen', value: estimateText(difference), kept: difference.mean >= 0 },
  ]
}

function controlChecks(gain: Estimate, control: Estimate): Check[] {
  const value = estimateText(control)
  const share = CONTROL_SHARE * gain.mean
  return [
    { promise: `control below ${CONTROL_SHARE} of the gain (${share.toFixed(3)})`, value, kept: control.mean < share },
    { promise: `control below ${SIGNIFICANT} standard errors`, value, kept: not(exceeds(control)) },
  ]
}

function exceeds({ mean, standardError }: Estimate): boolean | undefined {
  return standardError === undefined ? undefined : mean > SIGNIFICANT * standardError
}

function not(value: boolean | undefined): boolean | undefined {
  return value === undefined ? undefined : !value
}
