/** The live view of `downpour run`: one line per job, redrawn on a terminal, appended in a pipe. */
import type { Job } from '../api/job.ts'
import { PHASES } from '../api/status.ts'
import { SHORT_NAMES } from '../contract/names.ts'
import { systemClock } from '../support/clock.ts'
import { isUnfinished, jobText } from './job-text.ts'
import { skippedText } from './metric-text.ts'
import { fitTable, table, textWidth, wrapText } from './table.ts'
import { TURN, waitingOf } from './waiting.ts'

export interface ProgressView {
  show(jobs: readonly Job[]): void
  /** Prints a line above the table. */
  print(line: string): void
  end(): void
}

const COLUMNS = ['JOB', 'PHASE', 'STEP', 'LOSS', 'EXAMPLES/S', 'ETA', 'WORKERS', 'RESULT'] as const
/** Columns left out on a narrow terminal, in this order. */
const OPTIONAL_COLUMNS: readonly string[] = ['EXAMPLES/S', 'ETA', 'WORKERS', 'LOSS']
/** Width of the last column below which an optional column is left out instead. */
const MIN_RESULT_WIDTH = 14
/** Rows for the header of the table and for the line of the cursor. */
const TABLE_OVERHEAD_ROWS = 2
const REASON_INDENT = '  '
const DEFAULT_COLUMNS = 120
const DEFAULT_ROWS = 24
const PLAIN_INTERVAL_MS = 10_000

export function createProgressView(out: NodeJS.WriteStream, nowMs = systemClock.monotonicMs): ProgressView {
  return out.isTTY ? terminalView(out) : plainView(out, nowMs)
}

/** @returns the cells of a job's row, in the order of COLUMNS */
export function progressCells(job: Job): string[] {
  const { progress, replicas, headline, phase } = job.status ?? {}
  return [
    `${SHORT_NAMES[job.kind]}/${job.metadata.name}`,
    phase ?? 'Pending',
    progress ? `${progress.step}/${progress.maxSteps} (${progress.percent})` : '-',
    progress?.loss === undefined ? '-' : progress.loss.toFixed(3),
    progress && phase === 'Running' ? progress.examplesPerSecond.toFixed(0) : '-',
    progress?.etaSeconds === undefined || phase !== 'Running' ? '-' : duration(progress.etaSeconds),
    replicas?.worker.summary ?? '-',
    waitingOf(job)?.text ?? [headline, skippedText(job)].filter(Boolean).join('; '),
  ]
}

export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds))
  const minutes = Math.floor(whole / 60)
  if (minutes >= 60) return `${Math.floor(minutes / 60)}h${String(minutes % 60).padStart(2, '0')}m`
  return minutes > 0 ? `${minutes}m${String(whole % 60).padStart(2, '0')}s` : `${whole}s`
}

/** Overwrites the previous lines, then erases what is left of them: erasing first would flicker. */
function terminalView(out: NodeJS.WriteStream): ProgressView {
  let drawn: Drawing = { lines: [], reasons: [] }
  const columns = () => out.columns || DEFAULT_COLUMNS
  // '\r' also moves to the start of a line to which the terminal has echoed ^C.
  const cursorToTop = () => {
    const rows = rowsOf([...drawn.lines, ...drawn.reasons], columns())
    return rows > 0 ? `\r\x1b[${rows}A` : '\r'
  }
  const write = (lines: readonly string[]) => {
    out.write(`${cursorToTop()}${lines.map((line) => `${line}\x1b[K\n`).join('')}\x1b[J`)
  }
  return {
    show(jobs) {
      const { lines, reasons } = fittedTable(jobs, columns(), out.rows || DEFAULT_ROWS)
      write([...lines, ...reasons])
      drawn = { lines, reasons }
    },
    print(line) {
      write([line, ...drawn.lines, ...drawn.reasons])
    },
    end() {
      write(drawn.lines)
      drawn = { lines: [], reasons: [] }
    },
  }
}

/** @returns the rows that lines occupy. The terminal may be narrower now than when they were written, and wrap them. */
function rowsOf(lines: readonly string[], columns: number): number {
  return lines.reduce((sum, line) => sum + Math.max(1, Math.ceil(textWidth(line) / columns)), 0)
}

interface Drawing {
  lines: readonly string[]
  /** Reasons that were cut in the table, in full. */
  reasons: readonly string[]
}

/** @returns the table with every job: it fits the terminal's width; in a pipe it is as wide as its cells */
export function progressTable(
  jobs: readonly Job[],
  { isTTY, columns }: { isTTY?: boolean; columns?: number },
): string[] {
  if (!isTTY) return table([COLUMNS, ...rowsWithNamespaces(jobs)])
  const { lines, reasons } = fittedTable(jobs, columns || DEFAULT_COLUMNS, Number.POSITIVE_INFINITY)
  return [...lines, ...reasons]
}

/** Adds the namespace to the names if the jobs are in several namespaces. */
function rowsWithNamespaces(jobs: readonly Job[]): string[][] {
  const isOneNamespace = new Set(jobs.map(({ metadata }) => metadata.namespace)).size <= 1
  return jobs.map((job) => {
    const [name, ...cells] = progressCells(job)
    return [isOneNamespace ? `${name}` : `${name} (${job.metadata.namespace})`, ...cells]
  })
}

/** @returns as many columns and jobs as fit */
function fittedTable(jobs: readonly Job[], columns: number, rows: number): Drawing {
  const maxJobs = Math.max(1, rows - TABLE_OVERHEAD_ROWS)
  const shown = jobs.length <= maxJobs ? jobs : jobs.slice(0, maxJobs - 1)
  const cells = rowsWithNamespaces(shown)
  const fitting = { width: columns - 1, optional: OPTIONAL_COLUMNS, minLastWidth: MIN_RESULT_WIDTH }
  const { lines } = fitTable([[...COLUMNS], ...cells], fitting)
  if (shown.length < jobs.length)
    return { lines: [...lines, `... and ${jobs.length - shown.length} more`], reasons: [] }
  const cut = cells.filter((row, i) => !lines[i + 1]?.endsWith(row.at(-1) ?? ''))
  return { lines, reasons: fullReasons(cut, columns - 1).slice(0, maxJobs - jobs.length) }
}

/** @returns reasons in full; jobs with the same reason share one paragraph */
function fullReasons(rows: readonly (readonly string[])[], width: number): string[] {
  const names = new Map<string, string[]>()
  for (const row of rows) names.set(row.at(-1) ?? '', [...(names.get(row.at(-1) ?? '') ?? []), row[0] ?? ''])
  return [...names].flatMap(([reason, jobs]) =>
    wrapText(`${listOf(jobs)}: ${reason}`, width - REASON_INDENT.length).map((line) => `${REASON_INDENT}${line}`),
  )
}

function listOf(jobs: readonly string[]): string {
  return jobs.length <= 3 ? jobs.join(', ') : `${jobs.slice(0, 2).join(', ')} and ${jobs.length - 2} more`
}

/**
 * Prints a job's line when its phase or its reason to wait changes, and every ten seconds if the line has changed. For a
 * running job every ten seconds in any case: an unchanged line shows that training makes no progress.
 */
function plainView(out: NodeJS.WriteStream, nowMs: () => number): ProgressView {
  const last = new Map<string, { state: string; line: string; atMs: number }>()
  const showJob = (job: Job) => {
    const phase = job.status?.phase ?? PHASES[0]
    const shown = { state: `${phase} ${waitingOf(job)?.key}`, line: plainLine(job), atMs: nowMs() }
    const before = last.get(jobText(job))
    if (!before && waitingOf(job)?.key === TURN) return // One line of the run says how many jobs wait.
    const isDue = before && shown.atMs - before.atMs >= PLAIN_INTERVAL_MS
    const mayRepeat = phase === 'Running' || (isUnfinished(job) && shown.line !== before?.line)
    if (before && before.state === shown.state && !(isDue && mayRepeat)) return
    last.set(jobText(job), shown)
    const reason = before?.state === shown.state ? undefined : waitingOf(job)?.text
    out.write(`${[shown.line, reason].filter(Boolean).join('  ')}\n`)
  }
  return {
    show: (jobs) => jobs.forEach(showJob),
    print: (line) => void out.write(`${line}\n`),
    end() {},
  }
}

/** Without the reason to wait, which is printed once, when it changes. */
function plainLine(job: Job): string {
  const [name, phase, step, loss, rate, eta, workers, result] = progressCells(job)
  const facts = [`step ${step}`, `loss ${loss}`, `${rate} examples/s`, `eta ${eta}`, `workers ${workers}`]
  const known = waitingOf(job) ? undefined : result
  return [name, phase, ...facts.filter((fact) => !/(^| )-( |$)/.test(fact)), known].filter(Boolean).join('  ')
}
