/** The section of one job in the report: facts, charts over its steps, and its spec. */
import { dump } from 'js-yaml'
import { type Job, wantedSource } from '../../api/job.ts'
import { withoutSecrets } from '../../api/secrets.ts'
import { pinnedText } from '../../api/status.ts'
import type { HistoryRecord } from '../../contract/files.ts'
import { lineageText } from '../../contract/first-weights.ts'
import { initText } from '../first-weights.ts'
import { jobText } from '../job-text.ts'
import { isShare, REDUCED, skippedText } from '../metric-text.ts'
import { duration } from '../progress.ts'
import type { JobResult } from '../results.ts'
import { waitingOf } from '../waiting.ts'
import { type Chart, escapeHtml, lineChart, type Series, shortNumber } from './chart.ts'
import { pictureSection } from './picture-section.ts'

export const X_LABEL = 'global step (pushes applied)'
const EVALUATION_LOSSES = ['loss', `${REDUCED}loss`]

/** @param hasPictures false if another section shows them */
export function jobSection(result: JobResult, { hasPictures }: { hasPictures: boolean }): string {
  const { job, history, scores, pictures } = result
  const why = waitingOf(job)
  const charts = history.length + scores.length === 0 ? [] : chartsOf(result)
  const flat = charts.flatMap((chart) => constantText(chart) ?? [])
  const drawn = charts.filter((chart) => constantText(chart) === undefined).map((chart) => lineChart(chart))
  return `<h2>${escapeHtml(jobText(job))}</h2>
${why ? `<p class="why">${escapeHtml(`${job.status?.phase ?? 'Pending'}: ${why.text}`)}</p>` : ''}
<dl>${factsOf(result)
    .map(([name, value]) => `<dt>${name}</dt><dd>${escapeHtml(value)}</dd>`)
    .join('')}</dl>
${drawn.length > 0 ? `<div class="charts">${drawn.join('\n')}</div>` : ''}
${flat.length > 0 ? `<p class="note">Never changed: ${escapeHtml(flat.join('; '))}.</p>` : ''}
${hasPictures && pictures ? pictureSection(pictures) : ''}
<details><summary>Spec, with its preset filled in</summary><pre>${escapeHtml(dump(withoutSecrets(job.spec), { noRefs: true, lineWidth: 100 }))}</pre></details>`
}

/** @returns the title and value of a chart whose only series never changes; undefined for any other chart */
function constantText({ title, series: [first, ...others] }: Chart): string | undefined {
  const values = new Set(first?.points.map(({ y }) => y))
  const [value = Number.NaN] = values
  const isFlat = values.size === 1 && Number.isFinite(value) && (first?.points.length ?? 0) > 1
  return isFlat && others.length === 0 ? `${title}: ${shortNumber(value)}` : undefined
}

/** Training and evaluation loss share a chart; metrics that are shares of 1 have another, and other error measures a third. */
function chartsOf({ job, history, scores: given }: JobResult): Chart[] {
  const scores = given.map(withReduced)
  const metrics = [...new Set(scores.flatMap((score) => Object.keys(score.metrics)))]
  const scored = (metric: string): Series => ({
    name: metric,
    points: scores.flatMap(({ step, metrics }) =>
      metric in metrics ? [{ x: step, y: metrics[metric] as number }] : [],
    ),
  })
  const shares = metrics.filter((metric) => isShare(job, metric))
  const errors = metrics.filter((metric) => !EVALUATION_LOSSES.includes(metric) && !isShare(job, metric))
  const trained = { name: 'training: mean of the last pushes', points: pointsOf(history, (r) => r.loss) }
  const held = EVALUATION_LOSSES.filter((loss) => metrics.includes(loss)).map((loss) => ({
    ...scored(loss),
    name: loss.startsWith(REDUCED) ? 'evaluation, reduced' : 'evaluation: mean over the evaluation images',
  }))
  const xLabel = X_LABEL
  const ofMetrics = (title: string, yLabel: string, names: readonly string[]): Chart[] =>
    names.length === 0
      ? []
      : [{ title: `${title} of the checkpoints: ${names.join(', ')}`, yLabel, xLabel, series: names.map(scored) }]
  const ofHistory = (title: string, yLabel: string, y: (record: HistoryRecord) => number): Chart => ({
    title,
    yLabel,
    xLabel,
    series: [{ name: title, points: pointsOf(history, y) }],
  })
  return [
    {
      title: held.length > 0 ? 'Training and evaluation loss' : 'Training loss',
      yLabel: 'loss',
      xLabel,
      series: [trained, ...held],
    },
    ...ofMetrics('Scores', '0 to 1, higher is better', shares),
    ...ofMetrics('Errors', 'lower is better', errors),
    ofHistory('Gradient staleness, mean', 'updates', (r) => r.stalenessMean),
    ofHistory('Speed', 'examples per second', (r) => r.examplesPerSecond),
    ofHistory('Learning rate', 'learning rate', (r) => r.learningRate),
    ofHistory('Active workers', 'workers', (r) => r.workers),
  ]
}

function withReduced({ step, metrics, reduced }: JobResult['scores'][number]) {
  const added = Object.entries(reduced?.metrics ?? {}).map(([name, value]) => [`${REDUCED}${name}`, value] as const)
  return { step, metrics: { ...metrics, ...Object.fromEntries(added) } as Record<string, number> }
}

/** A loss that was NaN or infinite is null in the file; it becomes NaN here, a gap in the chart. */
export function pointsOf(
  history: readonly HistoryRecord[],
  y: (record: HistoryRecord) => number | null,
): Series['points'] {
  return history.map((record) => ({ x: record.step, y: y(record) ?? Number.NaN }))
}

function factsOf({ job, folder }: JobResult): [string, string][] {
  const { spec, status } = job
  const { progress, replicas, startTime, completionTime, restarts, checkpoint } = status ?? {}
  const facts: [string, string | undefined][] = [
    ['Preset', spec.preset],
    ['Seed', String(spec.seed)],
    ['Initial weights', initialWeights(job)],
    ['Variables', status?.init && initText(status.init)],
    ['Data', dataText(spec.data)],
    ['Evaluation data', spec.evaluation && evaluationText(spec.evaluation)],
    ['Not scored', skippedText(job)],
    ['Steps', `${progress?.step ?? 0} of ${spec.maxSteps}, ${spec.batchSize} examples each`],
    ['Workers', `${spec.workers.replicas}${progress ? ` (${progress.workersContributed} pushed gradients)` : ''}`],
    ['Parameter servers', String(replicas?.ps.desired ?? spec.parameterServer.replicas)],
    ['Restarts', restarts && String(restarts.total)],
    ['Started', startTime],
    ['Duration', startTime && completionTime && duration((Date.parse(completionTime) - Date.parse(startTime)) / 1000)],
    ['Newest checkpoint', checkpoint && `step ${checkpoint.step}, sha256 ${checkpoint.digest}`],
    ['Folder', folder],
  ]
  return facts.flatMap(([name, value]): [string, string][] => (value ? [[name, value]] : []))
}

/** The source, then the checkpoints that it descends from. */
function initialWeights(job: Job): string {
  if (!wantedSource(job)) return 'random'
  const { source, lineage = [] } = job.status ?? {}
  if (!source) return 'not chosen yet'
  const [, ...earlier] = lineage
  return `${pinnedText(source)}, sha256 ${source.digest}${earlier.length > 0 ? ` < ${lineageText(earlier)}` : ''}`
}

function labelSubsetText({ names, keepOtherLabels }: NonNullable<Job['spec']['data']['labelSubset']>): string {
  return `images with at least one of ${names.length} labels, ${keepOtherLabels ? 'with all their labels' : 'with only these labels'}`
}

function evaluationText({ data, maxExamples, exclude }: NonNullable<Job['spec']['evaluation']>): string {
  const parts = [
    dataText(data),
    maxExamples && `a sample of ${maxExamples} images`,
    exclude && `reduced: without the images in ${exclude}`,
  ]
  return parts.filter(Boolean).join('; ')
}

function dataText({ source, format, files, subset, labelSubset }: Job['spec']['data']): string {
  const parts = [
    `claim ${source.claimName}`,
    source.path && `path ${source.path}`,
    files && `files ${files}`,
    subset && `${subset.fraction} of the images (subset seed ${subset.seed})`,
    labelSubset && labelSubsetText(labelSubset),
  ]
  return `${parts.filter(Boolean).join(', ')} (${format})`
}
