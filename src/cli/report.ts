/** The HTML report of a run: one file, no script, nothing loaded from anywhere. */
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { HistoryRecord } from '../contract/files.ts'
import { escapeHtml, lineChart, type Series, shortNumber } from './chart.ts'
import { type JobResult, metricsText, transferGains, twinsOf } from './results.ts'

export interface ReportFacts {
  title: string
  /** Lines such as the machine, the Node version, the command. */
  facts: readonly string[]
}

export async function writeReport(file: string, results: readonly JobResult[], about: ReportFacts): Promise<void> {
  await mkdir(dirname(file), { recursive: true })
  await writeFile(`${file}.tmp`, renderReport(results, about), { mode: 0o600 })
  await rename(`${file}.tmp`, file)
}

export function renderReport(results: readonly JobResult[], { title, facts }: ReportFacts): string {
  const gains = transferGains(results)
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title><style>${STYLE}</style></head><body>
<h1>${escapeHtml(title)}</h1>
${gains.map((gain) => `<p class="gain">${escapeHtml(gain)}</p>`).join('\n')}
${resultsTable(results)}
${twinCharts(results)}
${results
  .filter(({ history }) => history.length > 0)
  .map(jobSection)
  .join('\n')}
<h2>How this was made</h2><ul>${facts.map((fact) => `<li>${escapeHtml(fact)}</li>`).join('')}</ul>
</body></html>
`
}

function resultsTable(results: readonly JobResult[]): string {
  const head = ['Job', 'Phase', 'Steps', 'Loss', 'Metrics', 'Staleness mean', 'p99', 'Restarts', 'Checkpoint']
  const rows = results.map(({ job }) => {
    const { progress, phase, results: scores, restarts, checkpoint } = job.status ?? {}
    return [
      `${job.kind}/${job.metadata.name}`,
      phase ?? 'Pending',
      String(progress?.step ?? '-'),
      progress?.loss?.toFixed(3) ?? '-',
      metricsText(scores?.metrics),
      progress?.stalenessMean.toFixed(2) ?? '-',
      String(progress?.stalenessP99 ?? '-'),
      String(restarts?.total ?? 0),
      checkpoint ? `step ${checkpoint.step}, ${checkpoint.digest.slice(0, 12)}` : '-',
    ]
  })
  const cells = (row: readonly string[], tag: string) =>
    row.map((cell) => `<${tag}>${escapeHtml(cell)}</${tag}>`).join('')
  return `<table><tr>${cells(head, 'th')}</tr>${rows.map((row) => `<tr>${cells(row, 'td')}</tr>`).join('')}</table>`
}

/** A fine-tuned job and its random twin in one picture. */
function twinCharts(results: readonly JobResult[]): string {
  const charts = twinsOf(results).map(([pretrained, random]) => {
    const title = 'Fine-tuning loss: from the checkpoint and from random weights'
    const series = [
      { name: pretrained.job.metadata.name, points: pointsOf(pretrained, (r) => r.loss) },
      { name: random.job.metadata.name, points: pointsOf(random, (r) => r.loss) },
    ]
    return lineChart(title, 'global step', series)
  })
  return charts.length > 0 ? `<div class="charts">${charts.join('\n')}</div>` : ''
}

const CHARTS: readonly { title: string; of: (record: HistoryRecord) => number }[] = [
  { title: 'Training loss', of: (r) => r.loss },
  { title: 'Gradient staleness, mean', of: (r) => r.stalenessMean },
  { title: 'Examples a second', of: (r) => r.examplesPerSecond },
  { title: 'Learning rate', of: (r) => r.learningRate },
]

/** What never changed is a sentence, not a picture. */
function jobSection(result: JobResult): string {
  const { job } = result
  const valuesOf = ({ of }: (typeof CHARTS)[number]) => new Set(pointsOf(result, of).map(({ y }) => y))
  const isFlat = (chart: (typeof CHARTS)[number]) => valuesOf(chart).size === 1
  const flat = CHARTS.filter(isFlat).map((chart) => `${chart.title}: ${shortNumber([...valuesOf(chart)][0] as number)}`)
  const drawn = CHARTS.filter((chart) => !isFlat(chart)).map(({ title, of }) =>
    lineChart(title, 'global step', [{ name: title, points: pointsOf(result, of) }]),
  )
  return `<h2>${escapeHtml(`${job.kind}/${job.metadata.name}`)}</h2>
${flat.length > 0 ? `<p>${escapeHtml(flat.join('; '))}, from the first step to the last.</p>` : ''}
<div class="charts">${drawn.join('\n')}</div>`
}

/** A loss that was no number is null in the file, and a gap in the curve. */
function pointsOf({ history }: JobResult, y: (record: HistoryRecord) => number): Series['points'] {
  return history.map((record) => ({ x: record.step, y: y(record) })).filter((point) => Number.isFinite(point.y))
}

const STYLE = `
body{font:15px/1.5 system-ui,sans-serif;max-width:1180px;margin:2rem auto;padding:0 1rem;color:#1f2937;background:#fff}
h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem}
table{border-collapse:collapse;width:100%;font-size:14px}th,td{text-align:left;padding:.35rem .6rem;border-bottom:1px solid #e5e7eb}
th{color:#6b7280;font-weight:600}.gain{font-size:1.1rem;padding:.6rem 1rem;background:#ecfdf5;border-left:4px solid #059669}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(420px,1fr));gap:1rem}
svg{width:100%;height:auto;max-width:640px}svg text{font:11px system-ui,sans-serif;fill:#6b7280}svg .title{font-size:13px;fill:#1f2937;font-weight:600}
svg .axis{text-anchor:middle}svg .left{text-anchor:end}svg .grid{stroke:#f3f4f6}`
