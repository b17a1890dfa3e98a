/** Formats metrics. One that is better when higher is a share of 1 and gets three decimals; any other is an error measure. */
import type { Job } from '../api/job.ts'
import type { MetricSpec } from '../contract/metrics.ts'
import { headlineMetric } from '../plan/metric.ts'
import { declarationOf } from '../tasks/declarations.ts'
import { shortNumber } from './report/chart.ts'

/** @example 'top1 0.960, loss 0.353' */
export function metricsText(job: Job): string {
  const { results } = job.status ?? {}
  if (!results) return '-'
  return Object.entries(results.metrics)
    .map(([name, value]) => `${name} ${isShare(job, name) ? value.toFixed(3) : shortNumber(value)}`)
    .join(', ')
}

export function isShare(job: Job, name: string): boolean {
  const { metrics } = declarationOf(job.spec.task.type)
  return metrics.some((metric) => metric.name === name && metric.better === 'higher')
}

/** @returns undefined while no checkpoint of the job has a score */
export function headlineValue(job: Job): number | undefined {
  return job.status?.results?.metrics[headlineMetric(job).name]
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
