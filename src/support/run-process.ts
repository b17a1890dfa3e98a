/** The frame of a pod's one process: signals, last words, exit code. Three programs share it, so all end alike. */
import { writeFileSync } from 'node:fs'
import { errorCode, errorMessage } from './errors.ts'
import { endWithRun } from './lifeline.ts'
import type { Log } from './log.ts'

export interface Program {
  /** `signal` fires at the first SIGTERM or SIGINT. What it throws ends the process with the code that belongs to it. */
  work: (signal: AbortSignal) => Promise<void>
  /** What the last words hold besides an error's code and message. */
  status: () => object
  exit: (code: number) => void
  exitCodeOf: (errorCode: string) => number
  codes: { ok: number; terminated: number }
  /** The file for the last words. */
  terminationLog: string
  /** It belongs to a run of this machine, and ends with it. */
  endsWithRun: boolean
  log: Log
}

/** What Kubernetes keeps of a termination message. */
const MAX_WORDS_BYTES = 4096
const MAX_MESSAGE_CHARACTERS = 1200

/** Runs the program, leaves its last words, and exits. A second signal exits at once. */
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
  process.on('uncaughtException', (error) => exit(lament(error, program)))
  try {
    await work(stop.signal)
    leaveWords(program.status(), program)
    exit(stop.signal.aborted ? codes.terminated : codes.ok)
  } catch (error) {
    // A stopped program may fail in any way on its way out: that is not its failure.
    exit(stop.signal.aborted ? codes.terminated : lament(error, program))
  }
}

/** @returns the exit code */
function lament(error: unknown, program: Program): number {
  const code = errorCode(error)
  const exitCode = program.exitCodeOf(code)
  const stack = error instanceof Error && error.name !== 'DownpourError' ? error.stack : undefined
  program.log.error({ code, reason: errorMessage(error), exitCode, ...(stack ? { stack } : {}) }, 'process failed')
  const failure = { code, message: errorMessage(error).slice(0, MAX_MESSAGE_CHARACTERS) }
  leaveWords({ ...program.status(), failure }, program)
  return exitCode
}

/** Synchronous, for the process is about to end; a volume that is gone must not hide the exit code. */
function leaveWords(words: object, { terminationLog, log }: Program): void {
  try {
    writeFileSync(terminationLog, lastWords({ ...words }))
  } catch (error) {
    log.warn({ terminationLog, reason: errorMessage(error) }, 'last words could not be written')
  }
}

/** JSON that fits: lists lose their tails, for the newest comes first, until it does. */
export function lastWords(words: Record<string, unknown>): string {
  const whole = JSON.stringify(words)
  if (Buffer.byteLength(whole) <= MAX_WORDS_BYTES) return whole
  const lists = Object.entries(words).filter((entry): entry is [string, unknown[]] => isLong(entry[1]))
  if (lists.length === 0) return JSON.stringify({ failure: words.failure ?? null })
  const shorter = lists.map(([key, list]) => [key, list.slice(0, Math.floor(list.length / 2))])
  return lastWords({ ...words, ...Object.fromEntries(shorter) })
}

function isLong(value: unknown): boolean {
  return Array.isArray(value) && value.length > 1
}
