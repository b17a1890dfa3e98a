// Identifies processes by pid and start time, because the kernel reuses pids. Plain JavaScript that runs on Node 18.
import { readFileSync } from 'node:fs'

const NPM = /(^|[/\s])(npm|npx|pnpm|yarn|bun)(-cli)?(\.c?js)?(\s|$)/
const SHELL = /(^|\/)(sh|bash|dash|zsh|ash|busybox)$/

/** @returns `PID:START_TIME`, or `PID:` on systems without /proc */
export function identityOf(pid) {
  return `${pid}:${statOf(pid)?.start ?? ''}`
}

export function isAlive(identity) {
  const [pid, start] = identity.split(':')
  const stat = statOf(pid)
  if (stat) return stat.start === start && !'ZX'.includes(stat.state)
  return start === '' && canBeSignalled(Number(pid))
}

/**
 * Returns the identities of this process and, if npm started it, of npm and the shells between them. A user who kills
 * one of them expects all of them to end.
 */
export function starters() {
  const found = [process.pid]
  let upToNpm = 1
  for (let pid = process.ppid; process.env.npm_lifecycle_event && pid > 1; pid = statOf(pid)?.parent ?? 0) {
    const args = argsOf(pid)
    const isNpm = NPM.test(args.join(' '))
    if (!isNpm && !(SHELL.test(args[0] ?? '') && args.includes('-c'))) break
    found.push(pid)
    if (isNpm) upToNpm = found.length
  }
  return found.slice(0, upToNpm).map(identityOf)
}

function argsOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').filter(Boolean)
  } catch {
    return []
  }
}

/** Reads fields after the last parenthesis, because the program's name, which is in parentheses, may contain both. */
function statOf(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return { state: fields[0], parent: Number(fields[1]), start: fields[19] }
  } catch {
    return undefined
  }
}

function canBeSignalled(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}
