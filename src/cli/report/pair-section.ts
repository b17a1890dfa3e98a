/** The section of a pair of FinetuneJobs: what pre-training gains, their curves side by side, and their pictures. */
import { headlineMetric } from '../../plan/metric.ts'
import type { JobResult } from '../results.ts'
import { gainSentence, transferGains } from '../transfer-gains.ts'
import { type Chart, escapeHtml, lineChart } from './chart.ts'
import { pictureSection } from './picture-section.ts'
import { pointsOf, X_LABEL } from './report-job.ts'

type Pair = readonly [pretrained: JobResult, random: JobResult]

export function pairSection(pair: Pair): string {
  const [{ job, pictures }, random] = pair
  const gains = transferGains(pair).map((gain) => `<p class="gain">${escapeHtml(gainSentence(gain))}</p>`)
  const { name } = random.job.metadata
  return `<h2>${escapeHtml(`${job.spec.task.type}: ${job.metadata.name} and ${name}`)}</h2>
${gains.join('\n')}
<div class="charts">${pairCharts(pair)
    .map((chart) => lineChart(chart))
    .join('\n')}</div>
${pictures ? pictureSection(pictures) : ''}
${random.pictures ? `<details><summary>Pictures from random weights (${escapeHtml(name)})</summary>${pictureSection(random.pictures)}</details>` : ''}`
}

/** The headline metric of their checkpoints, if they have several, and their training loss. */
function pairCharts(pair: Pair): Chart[] {
  const { name } = headlineMetric(pair[0].job)
  const scored = chartOf(pair, name, `${name} of the checkpoints`, ({ scores }) =>
    scores.flatMap(({ step, metrics: { [name]: y } }) => (y === undefined ? [] : [{ x: step, y }])),
  )
  const loss = chartOf(pair, 'training loss', 'Fine-tuning loss', ({ history }) => pointsOf(history, (r) => r.loss))
  return scored.series.some(({ points }) => points.length > 1) ? [scored, loss] : [loss]
}

function chartOf(
  pair: Pair,
  yLabel: string,
  title: string,
  points: (one: JobResult) => Chart['series'][number]['points'],
): Chart {
  const series = pair.map((one, i) => ({
    name: `${one.job.metadata.name} (from ${i === 0 ? 'the checkpoint' : 'random weights'})`,
    points: points(one),
  }))
  return { title: `${title}: from the checkpoint and from random weights`, yLabel, xLabel: X_LABEL, series }
}
