/** Ends a run when its parent processes (npm and its script) were killed by SIGKILL and could not forward a signal. */
import { readFileSync } from 'node:fs'

const POLL_INTERVAL_MS = 500

/**
 * @param identities `PID:START,...` of the parent processes, from tools/setup.mjs; START is their start time in /proc
 * @param onGone called once, when one of them has ended
 * @returns a function that stops watching
 */
export function watchParents(identities: string | undefined, onGone: () => void): () => void {
  const all = (identities ?? '').split(',').filter(Boolean)
  if (all.length === 0) return () => {}
  const timer = setInterval(() => {
    if (all.every(isAlive)) return
    clearInterval(timer)
    onGone()
  }, POLL_INTERVAL_MS)
  timer.unref()
  return () => clearInterval(timer)
}

/** Parses /proc/PID/stat from its last ')', because the process name before it may contain spaces and parentheses. */
function isAlive(identity: string): boolean {
  const [pid, start] = identity.split(':')
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return fields[19] === start && !['Z', 'X'].includes(fields[0] ?? '')
  } catch {
    return false
  }
}
