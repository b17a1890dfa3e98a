/** A log that records its lines at level info and above: `warn reconcile failed, will retry: no`. */
import type { Log } from '../../src/support/log.ts'

export interface RecordedLog extends Log {
  lines: string[]
}

export function recordedLog(): RecordedLog {
  const lines: string[] = []
  const record = (level: string) => (facts: object, message: string) => {
    const { error } = facts as { error?: string }
    lines.push(`${level} ${message}${error === undefined ? '' : `: ${error}`}`)
  }
  const log: RecordedLog = {
    lines,
    debug() {},
    info: record('info'),
    warn: record('warn'),
    error: record('error'),
    child: () => log,
  }
  return log
}
