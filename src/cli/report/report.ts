/** Writes the HTML report of a run: one file without scripts that loads nothing. */
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { headlineMetric } from '../../plan/metric.ts'
import { jobText } from '../job-text.ts'
import { metricsText } from '../metric-text.ts'
import type { JobResult } from '../results.ts'
import { gainSentence, transferGains, transferPairs } from '../transfer-gains.ts'
import { type Chart, escapeHtml, lineChart } from './chart.ts'
import { jobSection, pointsOf, X_LABEL } from './report-job.ts'
import { STYLE } from './report-style.ts'

export interface ReportFacts {
  title: string
  /** Pairs of name and value: the command, the version, the machine. */
  facts: readonly (readonly [name: string, value: string])[]
}

export async function writeReport(file: string, results: readonly JobResult[], about: ReportFacts): Promise<void> {
  await mkdir(dirname(file), { recursive: true })
  await writeFile(`${file}.tmp`, renderReport(results, about), { mode: 0o600 })
  await rename(`${file}.tmp`, file)
}

export function renderReport(results: readonly JobResult[], { title, facts }: ReportFacts): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title><style>${STYLE}</style></head><body>
<h1>${escapeHtml(title)}</h1>
${transferGains(results)
  .map((gain) => `<p class="gain">${escapeHtml(gainSentence(gain))}</p>`)
  .join('\n')}
${resultsTable(results)}
<p class="note">Training loss: mean of the last pushes, on training data. Evaluation: the newest checkpoint, on evaluation data.
Staleness of a gradient: number of updates applied after its weights were pulled and before it was applied.</p>
${pairCharts(results)}
${results.map(jobSection).join('\n')}
<h2>About this run</h2><dl>${facts.map(([name, value]) => `<dt>${escapeHtml(name)}</dt><dd>${escapeHtml(value)}</dd>`).join('')}</dl>
</body></html>
`
}

const HEAD = ['Job', 'Phase', 'Steps', 'Training loss', 'Evaluation', 'Staleness mean', 'p99', 'Workers', 'Restarts']

function resultsTable(results: readonly JobResult[]): string {
  const rows = results.map(({ job }) => {
    const { progress, phase, restarts, replicas } = job.status ?? {}
    return [
      jobText(job),
      phase ?? 'Pending',
      String(progress?.step ?? '-'),
      progress?.loss?.toFixed(3) ?? '-',
      metricsText(job),
      progress?.stalenessMean.toFixed(2) ?? '-',
      String(progress?.stalenessP99 ?? '-'),
      progress ? `${progress.workersContributed}/${replicas?.worker.desired}` : '-',
      String(restarts?.total ?? 0),
    ]
  })
  const head = HEAD.map((name) => `<th>${name}</th>`).join('')
  const body = rows.map(
    (row) => `<tr>${row.map((cell, i) => `<td data-head="${HEAD[i]}">${escapeHtml(cell)}</td>`).join('')}</tr>`,
  )
  return `<table><tr class="head">${head}</tr>${body.join('')}</table>`
}

/** Charts of each pair of FinetuneJobs (transferPairs): their training loss, and the headline metric of their checkpoints. */
function pairCharts(results: readonly JobResult[]): string {
  return transferPairs(results)
    .flatMap((pair): Chart[] => {
      const of = (
        yLabel: string,
        title: string,
        points: (one: JobResult) => Chart['series'][number]['points'],
      ): Chart => ({
        title,
        yLabel,
        xLabel: X_LABEL,
        series: pair.map((one, i) => ({
          name: `${one.job.metadata.name} (from ${i === 0 ? 'the checkpoint' : 'random weights'})`,
          points: points(one),
        })),
      })
      const loss = of('training loss', 'Fine-tuning loss: from the checkpoint and from random weights', ({ history }) =>
        pointsOf(history, (r) => r.loss),
      )
      const { name } = headlineMetric(pair[0].job)
      const scored = of(name, `${name} of the checkpoints: from the checkpoint and from random weights`, ({ scores }) =>
        scores.flatMap(({ step, metrics: { [name]: y } }) => (y === undefined ? [] : [{ x: step, y }])),
      )
      const hasSeveralScores = scored.series.some(({ points }) => points.length > 1)
      return hasSeveralScores ? [loss, scored] : [loss]
    })
    .map(inBothShapes)
    .join('\n')
}

/** Renders both shapes; the CSS shows one of them. Text in the wide one would be three pixels high on a phone. */
function inBothShapes(chart: Chart): string {
  return `<div class="large">${lineChart(chart, 'wide')}</div><div class="small">${lineChart(chart)}</div>`
}
