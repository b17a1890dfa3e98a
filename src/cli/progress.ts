/** The live view of `downpour run`: one line a job, redrawn on a terminal, appended when piped. */
import type { Job } from '../api/job.ts'
import { PHASES } from '../api/status.ts'

export interface ProgressView {
  show(jobs: readonly Job[]): void
  /** Puts a line above the view. */
  say(line: string): void
  end(): void
}

const COLUMNS = ['JOB', 'PHASE', 'STEP', 'LOSS', 'EXAMPLES/S', 'ETA', 'WORKERS', 'RESULT'] as const
const PLAIN_EVERY_MS = 10_000
const FINISHED = new Set(['Succeeded', 'Failed'])

export function createProgressView(out: NodeJS.WriteStream, nowMs = () => Date.now()): ProgressView {
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
  return waiting?.message ?? ''
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

function terminalView(out: NodeJS.WriteStream): ProgressView {
  let drawn = 0
  const erase = () => (drawn > 0 ? `\x1b[${drawn}A\x1b[J` : '')
  return {
    show(jobs) {
      const width = out.columns || 120
      const lines = table([[...COLUMNS], ...jobs.map(progressCells)]).map((line) => line.slice(0, width - 1))
      out.write(`${erase()}${lines.join('\n')}\n`)
      drawn = lines.length
    },
    say(line) {
      out.write(`${erase()}${line}\n`)
      drawn = 0
    },
    end() {
      drawn = 0
    },
  }
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
