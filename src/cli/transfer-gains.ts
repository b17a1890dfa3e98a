/** What pre-training gains: pairs of FinetuneJobs that differ in their initial weights, and their scores side by side. */
import { isDeepStrictEqual } from 'node:util'
import type { Job } from '../api/job.ts'
import type { MetricSpec } from '../contract/metrics.ts'
import { headlineMetric } from '../plan/metric.ts'
import type { TaskDeclaration } from '../tasks/declaration.ts'
import { declarationOf } from '../tasks/declarations.ts'
import { gainTexts, metricValue } from './metric-text.ts'
import { table } from './table.ts'

type FinetuneJob = Extract<Job, { kind: 'FinetuneJob' }>

interface OfJob {
  readonly job: Job
}

export interface TransferGain {
  readonly metric: MetricSpec
  readonly pretrained: Job
  readonly random: Job
  /** Both values and their difference, rounded. */
  readonly texts: readonly [pretrained: string, random: string, gain: string]
  /** On the images that spec.evaluation.exclude does not list. */
  readonly isReduced: boolean
}

/**
 * The pre-trained one of each pair, then the random one. Both are scored. They may differ in how batch normalisation gets
 * its statistics, because frozen ones of random weights would be no baseline.
 */
export function transferPairs<R extends OfJob>(results: readonly R[]): [R, R][] {
  const scored = results.filter(({ job }) => job.kind === 'FinetuneJob' && job.status?.results)
  const isRandom = ({ job }: OfJob) => job.kind === 'FinetuneJob' && job.spec.init === 'random'
  return scored
    .filter((one) => !isRandom(one))
    .flatMap((one): [R, R][] => {
      const spec = specWithoutStart(one)
      const random = scored.find((other) => isRandom(other) && isDeepStrictEqual(specWithoutStart(other), spec))
      return random ? [[one, random]] : []
    })
}

function specWithoutStart({ job }: OfJob): object {
  const { init, from, suspend, batchNorm, ...rest } = (job as FinetuneJob).spec
  const { decay, epsilon } = batchNorm
  return { ...rest, batchNorm: { decay, epsilon } }
}

/** Of each pair in its headline and what its task compares besides; twice if both have scores on the reduced evaluation set. */
export function transferGains(results: readonly OfJob[]): TransferGain[] {
  return transferPairs(results).flatMap((pair) => gainsOf(pair, comparedMetrics(pair[0].job)))
}

function comparedMetrics(job: Job): MetricSpec[] {
  const { metrics, compared = [] }: TaskDeclaration = declarationOf(job.spec.task.type)
  return [headlineMetric(job), ...metrics.filter(({ name }) => compared.includes(name))]
}

/** Of one pair in every metric of its task but the loss, which is of no use to compare models. */
export function allGains(pair: readonly [OfJob, OfJob]): TransferGain[] {
  const { metrics }: TaskDeclaration = declarationOf(pair[0].job.spec.task.type)
  return gainsOf(
    pair,
    metrics.filter(({ name }) => name !== 'loss'),
  )
}

function gainsOf(
  [{ job: pretrained }, { job: random }]: readonly [OfJob, OfJob],
  metrics: readonly MetricSpec[],
): TransferGain[] {
  return metrics.flatMap((metric) =>
    (['full', 'reduced'] as const).flatMap((set) => {
      const values = [metricValue(pretrained, metric.name, set), metricValue(random, metric.name, set)] as const
      if (values[0] === undefined || values[1] === undefined) return []
      const texts = gainTexts(metric, values[0], values[1])
      return [{ metric, pretrained, random, texts, isReduced: set === 'reduced' }]
    }),
  )
}

/** @example 'imagenet-classification: top1 99.0% (ours) against 64.2% from random weights (random) at 150 steps: 34.8 points.' */
export function gainSentence({ metric, pretrained, random, texts, isReduced }: TransferGain): string {
  const [ofPretrained, ofRandom, gain] = texts
  const where = isReduced ? ', on the reduced evaluation set' : ''
  return `${pretrained.spec.task.type}: ${metric.name} ${ofPretrained} (${pretrained.metadata.name}) against ${ofRandom} from random weights (${random.metadata.name}) at ${pretrained.spec.maxSteps} steps${where}: ${gain}.`
}

export const GAIN_HEAD = ['TASK', 'JOB', 'STEPS', 'METRIC', 'PRE-TRAINED', 'RANDOM', 'GAIN']

export function gainRow({ metric, pretrained, texts, isReduced }: TransferGain): string[] {
  const { spec, metadata } = pretrained
  const name = isReduced ? `${metric.name}, reduced` : metric.name
  return [spec.task.type, metadata.name, String(spec.maxSteps), name, ...texts]
}

/** The table of gains at the end of `downpour run`. @returns no lines without a pair */
export function gainTable(gains: readonly TransferGain[]): string[] {
  return gains.length === 0 ? [] : table([GAIN_HEAD, ...gains.map(gainRow)])
}
