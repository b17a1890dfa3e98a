/** The live view of `downpour run`: one line a job, redrawn on a terminal, appended when piped. */
import type { Job } from '../api/job.ts'
import { PHASES } from '../api/status.ts'
import { systemClock } from '../support/clock.ts'

export interface ProgressView {
  show(jobs: readonly Job[]): void
  /** Puts a line above the view. */
  say(line: string): void
  end(): void
}

const COLUMNS = ['JOB', 'PHASE', 'STEP', 'LOSS', 'EXAMPLES/S', 'ETA', 'WORKERS', 'RESULT'] as const
/** Go first when a terminal is narrow. */
const EXPENDABLE: readonly string[] = ['EXAMPLES/S', 'ETA', 'WORKERS', 'LOSS']
/** Characters of the last column that are worth more than another column. */
const RESULT_ROOM = 14
/** Rows for the head of the table and the line where the cursor stands. */
const TABLE_MARGIN = 2
const DEFAULT_COLUMNS = 120
const DEFAULT_ROWS = 24
const PLAIN_EVERY_MS = 10_000
const FINISHED = new Set(['Succeeded', 'Failed'])

export function createProgressView(out: NodeJS.WriteStream, nowMs = systemClock.monotonicMs): ProgressView {
  return out.isTTY ? terminalView(out) : plainView(out, nowMs)
}

/** Cells of one job's line, in the order of COLUMNS. */
export function progressCells(job: Job): string[] {
  const { progress, replicas, headline, phase } = job.status ?? {}
  const short = job.kind === 'PretrainJob' ? 'pj' : 'fj'
  return [
    `${short}/${job.metadata.name}`,
    phase ?? 'Pending',
    progress ? `${progress.step}/${progress.maxSteps} (${progress.percent})` : '-',
    progress?.loss === undefined ? '-' : progress.loss.toFixed(3),
    progress && phase === 'Running' ? progress.examplesPerSecond.toFixed(0) : '-',
    progress?.etaSeconds === undefined || phase !== 'Running' ? '-' : duration(progress.etaSeconds),
    replicas?.worker.summary ?? '-',
    headline ?? waitingFor(job),
  ]
}

/** Why a job is not running: the message of the condition that says so. */
function waitingFor(job: Job): string {
  const waiting = job.status?.conditions.find(
    (c) => (c.type === 'SourceResolved' && c.status === 'False') || (c.type === 'Failed' && c.status === 'True'),
  )
  return oneLine(waiting?.message ?? '')
}

/** Messages may hold the last words of a process. */
function oneLine(text: string): string {
  return text.replace(/\p{Cc}+/gu, ' ')
}

export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds))
  const minutes = Math.floor(whole / 60)
  if (minutes >= 60) return `${Math.floor(minutes / 60)}h${String(minutes % 60).padStart(2, '0')}m`
  return minutes > 0 ? `${minutes}m${String(whole % 60).padStart(2, '0')}s` : `${whole}s`
}

export function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)))
  return rows.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}

/** Lines are written over the former ones, and what is left below goes last: erasing first would flicker. */
function terminalView(out: NodeJS.WriteStream): ProgressView {
  let drawn: readonly string[] = []
  const columns = () => out.columns || DEFAULT_COLUMNS
  // Also over what the terminal itself wrote meanwhile, such as ^C.
  const toTop = () => {
    const rows = rowsOf(drawn, columns())
    return rows > 0 ? `\r\x1b[${rows}A` : '\r'
  }
  const write = (lines: readonly string[]) => {
    out.write(`${toTop()}${lines.map((line) => `${line}\x1b[K\n`).join('')}\x1b[J`)
  }
  return {
    show(jobs) {
      const lines = fittedTable(jobs, columns(), out.rows || DEFAULT_ROWS)
      write(lines)
      drawn = lines
    },
    say(line) {
      write([line, ...drawn])
    },
    end() {
      write(drawn)
      drawn = []
    },
  }
}

/** Rows that lines take on a terminal which may have become narrower since they were written. */
function rowsOf(lines: readonly string[], columns: number): number {
  return lines.reduce((sum, line) => sum + Math.max(1, Math.ceil(line.length / columns)), 0)
}

/** As many columns as the width holds, as many jobs as the height. */
function fittedTable(jobs: readonly Job[], columns: number, rows: number): string[] {
  const room = Math.max(1, rows - TABLE_MARGIN)
  const shown = jobs.length <= room ? jobs : jobs.slice(0, room - 1)
  const lines = narrowed([[...COLUMNS], ...shown.map(progressCells)], columns - 1)
  const cut = lines.map((line) => (line.length < columns ? line : `${line.slice(0, columns - 2)}…`))
  return shown.length === jobs.length ? cut : [...cut, `... and ${jobs.length - shown.length} more`]
}

/** Without the columns that can be spared, until the numbers and the beginning of the last column fit. */
function narrowed(cells: readonly (readonly string[])[], width: number): string[] {
  const spared: string[] = []
  for (const next of [...EXPENDABLE, undefined]) {
    const kept = cells.map((row) => row.filter((_, i) => !spared.includes(COLUMNS[i] as string)))
    const needed = table(kept.map((row) => row.with(-1, row.at(-1)?.slice(0, RESULT_ROOM) ?? '')))
    if (next === undefined || needed.every((line) => line.length <= width)) return table(kept)
    spared.push(next)
  }
  return []
}

/** Prints a job's line when its phase changes, and every ten seconds while it runs. */
function plainView(out: NodeJS.WriteStream, nowMs: () => number): ProgressView {
  const last = new Map<string, { phase: string; atMs: number }>()
  const due = (job: Job) => {
    const before = last.get(`${job.kind}/${job.metadata.name}`)
    const phase = job.status?.phase ?? PHASES[0]
    return !before || before.phase !== phase || (!FINISHED.has(phase) && nowMs() - before.atMs >= PLAIN_EVERY_MS)
  }
  return {
    show(jobs) {
      for (const job of jobs.filter(due)) {
        last.set(`${job.kind}/${job.metadata.name}`, { phase: job.status?.phase ?? PHASES[0], atMs: nowMs() })
        out.write(`${plainLine(job)}\n`)
      }
    },
    say: (line) => void out.write(`${line}\n`),
    end() {},
  }
}

function plainLine(job: Job): string {
  const [name, phase, step, loss, rate, eta, workers, result] = progressCells(job)
  const facts = [`step ${step}`, `loss ${loss}`, `${rate} examples/s`, `eta ${eta}`, `workers ${workers}`]
  return [name, phase, ...facts.filter((fact) => !/(^| )-( |$)/.test(fact)), result].filter(Boolean).join('  ')
}
