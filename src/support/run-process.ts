/** The frame of a pod's one process: signals, termination message, exit code. Three programs share it, so all end alike. */
import { writeFileSync } from 'node:fs'
import { endWithRun } from './end-with-run.ts'
import { errorCode, errorMessage } from './errors.ts'
import type { Log } from './log.ts'

export interface Program {
  /** `signal` fires at the first SIGTERM or SIGINT. What it throws ends the process with the code that belongs to it. */
  work: (signal: AbortSignal) => Promise<void>
  /** What the termination message holds besides an error's code and message. */
  status: () => object
  exit: (code: number) => void
  exitCodeOf: (errorCode: string) => number
  codes: { ok: number; terminated: number }
  /** The file for the termination message. */
  terminationLog: string
  /** It belongs to a run of this machine, and ends with it. */
  endsWithRun: boolean
  log: Log
}

/** What Kubernetes keeps of a termination message. */
const MAX_TERMINATION_MESSAGE_BYTES = 4096
const MAX_MESSAGE_CHARACTERS = 1200

/** Runs the program, writes its termination message, and exits. A second signal exits at once. */
export async function runProcess(program: Program): Promise<void> {
  const { work, exit, codes, log } = program
  const stop = new AbortController()
  const onSignal = (signal: string) => {
    if (stop.signal.aborted) return exit(codes.terminated)
    log.info({ signal }, 'stopping')
    stop.abort(new DOMException(`stopped by ${signal}`, 'AbortError'))
  }
  process.on('SIGTERM', onSignal)
  process.on('SIGINT', onSignal)
  if (program.endsWithRun)
    endWithRun(
      () => onSignal('the end of its run'),
      () => exit(codes.terminated),
    )
  process.on('uncaughtException', (error) => exitWithError(error, program))
  try {
    await work(stop.signal)
    writeTerminationMessage(program.status(), program)
    exit(stop.signal.aborted ? codes.terminated : codes.ok)
  } catch (error) {
    // A stopped program may fail in any way on its way out: that is not its failure.
    if (stop.signal.aborted) exit(codes.terminated)
    else exitWithError(error, program)
  }
}

function exitWithError(error: unknown, program: Program): void {
  const code = errorCode(error)
  const exitCode = program.exitCodeOf(code)
  const stack = error instanceof Error && error.name !== 'DownpourError' ? error.stack : undefined
  program.log.error({ code, reason: errorMessage(error), exitCode, ...(stack ? { stack } : {}) }, 'process failed')
  const failure = { code, message: errorMessage(error).slice(0, MAX_MESSAGE_CHARACTERS) }
  writeTerminationMessage({ ...program.status(), failure }, program)
  program.exit(exitCode)
}

/** Synchronous, for the process is about to end; a volume that is gone must not hide the exit code. */
function writeTerminationMessage(content: object, { terminationLog, log }: Program): void {
  try {
    writeFileSync(terminationLog, terminationMessage({ ...content }))
  } catch (error) {
    log.warn({ terminationLog, reason: errorMessage(error) }, 'termination message could not be written')
  }
}

/** JSON that fits: lists lose their tails, for the newest comes first, until it does. */
function terminationMessage(content: Record<string, unknown>): string {
  const whole = JSON.stringify(content)
  if (Buffer.byteLength(whole) <= MAX_TERMINATION_MESSAGE_BYTES) return whole
  const lists = Object.entries(content).filter((entry): entry is [string, unknown[]] => isLong(entry[1]))
  if (lists.length === 0) return JSON.stringify({ failure: content.failure ?? null })
  const shorter = lists.map(([key, list]) => [key, list.slice(0, Math.floor(list.length / 2))])
  return terminationMessage({ ...content, ...Object.fromEntries(shorter) })
}

function isLong(value: unknown): boolean {
  return Array.isArray(value) && value.length > 1
}
