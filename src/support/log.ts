import { pino } from 'pino'

/** The part of pino that the code uses: facts first, a message that never varies second. */
export interface Log {
  debug(facts: object, message: string): void
  info(facts: object, message: string): void
  warn(facts: object, message: string): void
  error(facts: object, message: string): void
  child(facts: Record<string, unknown>): Log
}

/** JSON lines on stdout, so that `kubectl logs` and log collectors read the same thing. */
export function createLog(facts: Record<string, unknown>, level = 'info'): Log {
  return pino({ level, base: facts, timestamp: pino.stdTimeFunctions.isoTime })
}

export const silentLog: Log = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLog,
}
