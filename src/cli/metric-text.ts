/** Formats metrics. One that is better when higher is a share of 1 and gets three decimals; any other is an error measure. */
import type { Job } from '../api/job.ts'
import type { MetricSpec } from '../contract/metrics.ts'
import { declarationOf } from '../tasks/declarations.ts'
import { shortNumber } from './report/chart.ts'

/** @example 'top1 0.960, loss 0.353', with spec.evaluation.exclude 'top1 0.960, loss 0.353, reduced top1 0.955, reduced loss 0.36' */
export function metricsText(job: Job): string {
  const { results } = job.status ?? {}
  if (!results) return '-'
  const texts = (metrics: Readonly<Record<string, number>>, prefix = '') =>
    Object.entries(metrics).map(
      ([name, value]) => `${prefix}${name} ${isShare(job, name) ? value.toFixed(3) : shortNumber(value)}`,
    )
  return [...texts(results.metrics), ...texts(results.reduced?.metrics ?? {}, REDUCED)].join(', ')
}

/** Part of the name of a metric on the images that spec.evaluation.exclude does not list. */
export const REDUCED = 'reduced '

/** @example '3 checkpoints were deleted before they were scored'; undefined: none was */
export function skippedText({ status }: Job): string | undefined {
  const { skipped = 0 } = status?.evaluation ?? {}
  if (skipped === 0) return undefined
  return skipped === 1
    ? '1 checkpoint was deleted before it was scored'
    : `${skipped} checkpoints were deleted before they were scored`
}

/** @param name of a metric of the task, perhaps after REDUCED */
export function isShare(job: Job, name: string): boolean {
  const { metrics } = declarationOf(job.spec.task.type)
  return metrics.some(({ name: own, better }) => better === 'higher' && (name === own || name === `${REDUCED}${own}`))
}

/** @returns undefined while no checkpoint of the job has a score */
export function metricValue(job: Job, name: string, set: 'full' | 'reduced'): number | undefined {
  const { results } = job.status ?? {}
  const scores = set === 'full' ? results : results?.reduced
  return scores?.metrics[name]
}

/**
 * The gain of pre-training, as the difference of the two rounded numbers.
 * @example ['96.0%', '64.2%', '31.8 points'] for shares, ['0.412', '0.530', '0.118 less'] for errors
 */
export function gainTexts({ better }: MetricSpec, pretrained: number, random: number): [string, string, string] {
  const [ofPretrained, ofRandom] = [thousandths(pretrained), thousandths(random)]
  const difference = ofPretrained - ofRandom
  if (better === 'higher') return [percent(ofPretrained), percent(ofRandom), `${(difference / 10).toFixed(1)} points`]
  const direction = difference > 0 ? 'more' : 'less'
  return [decimal(ofPretrained), decimal(ofRandom), `${decimal(Math.abs(difference))} ${direction}`]
}

function thousandths(value: number): number {
  return Math.round(Number(value.toFixed(3)) * 1000)
}

function percent(inThousandths: number): string {
  return `${(inThousandths / 10).toFixed(1)}%`
}

function decimal(inThousandths: number): string {
  return (inThousandths / 1000).toFixed(3)
}
