/** Signals, termination message and exit code of a pod's process: parameter server, worker and evaluator end in the same way. */
import { writeFileSync } from 'node:fs'
import { endWithRun } from './end-with-run.ts'
import { errorCode, errorMessage } from './errors.ts'
import type { Log } from './log.ts'

export interface Program {
  /** `signal` fires at the first SIGTERM or SIGINT. An error ends the process with the exit code of the error's code. */
  work: (signal: AbortSignal) => Promise<void>
  /** Fields of the termination message besides the failure. */
  status: () => object
  exit: (code: number) => void
  exitCodeOf: (errorCode: string) => number
  codes: { ok: number; terminated: number }
  /** Path of the file that Kubernetes reads the termination message from. */
  terminationLog: string
  /** Local mode: the process ends when the run that started it ends. */
  endsWithRun: boolean
  log: Log
}

/** Kubernetes cuts a longer termination message. */
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
    // A program that is being stopped may fail in any way; Kubernetes must not count that as a failure of the program.
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

/** Synchronous, because the process is about to end. An error is logged only: a lost volume must not hide the exit code. */
function writeTerminationMessage(content: object, { terminationLog, log }: Program): void {
  try {
    writeFileSync(terminationLog, terminationMessage({ ...content }))
  } catch (error) {
    log.warn({ terminationLog, reason: errorMessage(error) }, 'termination message could not be written')
  }
}

/** JSON that fits: halves the lists until it does. Lists begin with the newest item, so the oldest are lost. */
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
