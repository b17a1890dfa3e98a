import { readdirSync, readFileSync } from 'node:fs'

/** Ids of the processes that run with this variable in their environment. @example processesWith('NAME=value') */
export function processesWith(variable: string): number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  return pids.filter((pid) => environmentOf(pid).includes(variable)).map(Number)
}

/** Empty if the process has ended. */
function environmentOf(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0')
  } catch {
    return []
  }
}
