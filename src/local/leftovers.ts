/** Processes of a run that was killed: found by their environment, for a number alone may be anybody's. */
import { readdirSync, readFileSync } from 'node:fs'
import { ENV } from '../contract/runtime.ts'
import type { Clock } from '../support/clock.ts'
import { DownpourError } from '../support/errors.ts'

const POLL_MS = 20
const TIMEOUT_MS = 10_000

/**
 * Kills them and waits until they are gone: a parameter server that still writes must not meet its successor.
 * @param stateDir its real path, which every process of its runs carries
 * @returns how many there were. @throws DownpourError LEFTOVERS when some do not go
 */
export async function killLeftovers(stateDir: string, clock: Clock): Promise<number> {
  const found = runProcesses(stateDir)
  const startedMs = clock.monotonicMs()
  for (let pids = found; pids.length > 0; pids = runProcesses(stateDir)) {
    for (const pid of pids) kill(pid)
    if (clock.monotonicMs() - startedMs > TIMEOUT_MS) {
      throw new DownpourError('LEFTOVERS', `processes of a former run do not end: ${pids.join(', ')}`, { pids })
    }
    await clock.sleep(POLL_MS)
  }
  return found.length
}

/** Those that can be read: a process of another user is not one of ours. */
export function runProcesses(stateDir: string): number[] {
  const mark = `${ENV.stateDir}=${stateDir}`
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid && environmentOf(name).includes(mark))
    .map(Number)
}

/** Empty for a zombie: it has ended, and its parent will notice. */
function environmentOf(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0')
  } catch {
    return []
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended meanwhile.
  }
}
