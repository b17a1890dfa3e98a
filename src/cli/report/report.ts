/** Writes the HTML report of a run: one file without scripts that loads nothing. */
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { jobText } from '../job-text.ts'
import { metricsText } from '../metric-text.ts'
import type { JobResult } from '../results.ts'
import { allGains, gainRow, transferPairs } from '../transfer-gains.ts'
import { escapeHtml } from './chart.ts'
import { pairSection } from './pair-section.ts'
import { jobSection } from './report-job.ts'
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
  const pairs = transferPairs(results)
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title><style>${STYLE}</style></head><body>
<h1>${escapeHtml(title)}</h1>
${gainsTable(pairs)}
${resultsTable(results)}
<p class="note">Training loss: mean of the last pushes, on training data. Evaluation: the newest checkpoint, on evaluation data.
Staleness of a gradient: number of updates applied after its weights were pulled and before it was applied.</p>
${pairs.map(pairSection).join('\n')}
${results.map((result) => jobSection(result, { hasPictures: !pairs.flat().includes(result) })).join('\n')}
<h2>About this run</h2><dl>${facts.map(([name, value]) => `<dt>${escapeHtml(name)}</dt><dd>${escapeHtml(value)}</dd>`).join('')}</dl>
</body></html>
`
}

const GAIN_HEAD = ['Task', 'Job', 'Steps', 'Metric', 'Pre-trained', 'Random', 'Gain']

function gainsTable(pairs: readonly (readonly [JobResult, JobResult])[]): string {
  return pairs.length === 0 ? '' : htmlTable(GAIN_HEAD, pairs.flatMap(allGains).map(gainRow))
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
  return htmlTable(HEAD, rows)
}

function htmlTable(names: readonly string[], rows: readonly (readonly string[])[]): string {
  const head = names.map((name) => `<th>${name}</th>`).join('')
  const body = rows.map(
    (row) => `<tr>${row.map((cell, i) => `<td data-head="${names[i]}">${escapeHtml(cell)}</td>`).join('')}</tr>`,
  )
  return `<table><tr class="head">${head}</tr>${body.join('')}</table>`
}
