/** Processes that a killed run left behind. Found by their environment, because the kernel may have reused a recorded pid. */
import { readdirSync, readFileSync } from 'node:fs'
import { ENV } from '../contract/runtime.ts'
import type { Clock } from '../support/clock.ts'
import { DownpourError } from '../support/errors.ts'

const POLL_MS = 20
const TIMEOUT_MS = 10_000

/**
 * Kills them and waits until they have ended: an old parameter server and its successor must not write the same checkpoint.
 * @param stateDir the real path, which each process of a run has in its environment
 * @returns the number of processes found. @throws DownpourError LEFTOVERS when some do not end in time
 */
export async function killLeftovers(stateDir: string, clock: Clock): Promise<number> {
  const found = runProcesses(stateDir)
  const startedMs = clock.monotonicMs()
  for (let pids = found; pids.length > 0; pids = runProcesses(stateDir)) {
    for (const pid of pids) kill(pid)
    if (clock.monotonicMs() - startedMs > TIMEOUT_MS) {
      throw new DownpourError('LEFTOVERS', `processes of a previous run do not end: ${pids.join(', ')}`, { pids })
    }
    await clock.sleep(POLL_MS)
  }
  return found.length
}

/** Skips processes that cannot be read: they belong to another user, not to this run. */
export function runProcesses(stateDir: string): number[] {
  const mark = `${ENV.stateDir}=${stateDir}`
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid && environmentOf(name).includes(mark))
    .map(Number)
}

/** Empty for a zombie, which has ended and only waits for its parent. */
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
    // The process has ended meanwhile.
  }
}
