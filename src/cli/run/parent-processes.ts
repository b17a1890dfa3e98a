/** Ends a run when the script that started it, or the npm above that, was killed without a word. */
import { readFileSync } from 'node:fs'

const LOOK_EVERY_MS = 500

/** @param identities `NUMBER:START,...` of processes, as tools/setup.mjs tells them. @returns what ends the watch */
export function watchStarters(identities: string | undefined, onGone: () => void): () => void {
  const all = (identities ?? '').split(',').filter(Boolean)
  if (all.length === 0) return () => {}
  const timer = setInterval(() => {
    if (all.every(isAlive)) return
    clearInterval(timer)
    onGone()
  }, LOOK_EVERY_MS)
  timer.unref()
  return () => clearInterval(timer)
}

/** The name stands in parentheses and may hold anything; a zombie has ended. */
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
