/** The peak memory of each process of a local run. */
import { readFileSync } from 'node:fs'
import { runProcesses } from '../../src/local/leftovers.ts'

const EVERY_MS = 500

/** @param stateDir the real path. @returns what `work` returns, and peak bytes by pod, for example `ps 0` */
export async function withPeakMemory<T>(
  stateDir: string,
  work: () => Promise<T>,
): Promise<{ result: T; peakBytes: ReadonlyMap<string, number> }> {
  const peakBytes = new Map<string, number>()
  const sample = () => {
    for (const pid of runProcesses(stateDir)) {
      const { pod, bytes } = look(pid)
      if (pod !== undefined) peakBytes.set(pod, Math.max(bytes, peakBytes.get(pod) ?? 0))
    }
  }
  const timer = setInterval(sample, EVERY_MS)
  try {
    return { result: await work(), peakBytes }
  } finally {
    clearInterval(timer)
  }
}

/** Undefined for processes that are no pod of a job, or have ended. */
function look(pid: number): { pod: string | undefined; bytes: number } {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
    const [, kibibytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
    const at = words.findIndex((word) => word === 'ps' || word === 'worker')
    const pod = at < 0 ? undefined : `${words[at]} ${words[words.indexOf('--index') + 1]}`
    return { pod, bytes: Number(kibibytes ?? 0) * 1024 }
  } catch {
    return { pod: undefined, bytes: 0 }
  }
}
