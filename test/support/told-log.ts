/** A log that remembers what it was told at info and above: `warn handling failed, will try again: no`. */
import type { Log } from '../../src/support/log.ts'

export interface ToldLog extends Log {
  lines: string[]
}

export function toldLog(): ToldLog {
  const lines: string[] = []
  const tell = (level: string) => (facts: object, message: string) => {
    const { error } = facts as { error?: string }
    lines.push(`${level} ${message}${error === undefined ? '' : `: ${error}`}`)
  }
  const log: ToldLog = {
    lines,
    debug() {},
    info: tell('info'),
    warn: tell('warn'),
    error: tell('error'),
    child: () => log,
  }
  return log
}
