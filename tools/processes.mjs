// Which processes are alive, by number and start time: the number alone may belong to a later process. Plain JavaScript for Node 18.
import { readFileSync } from 'node:fs'

const NPM = /(^|[/\s])(npm|npx|pnpm|yarn|bun)(-cli)?(\.c?js)?(\s|$)/
const SHELL = /(^|\/)(sh|bash|dash|zsh|ash|busybox)$/

/** `NUMBER:START`; `NUMBER:` without /proc. */
export function identityOf(pid) {
  return `${pid}:${statOf(pid)?.start ?? ''}`
}

export function isAlive(identity) {
  const [pid, start] = identity.split(':')
  const stat = statOf(pid)
  if (stat) return stat.start === start && !'ZX'.includes(stat.state)
  return start === '' && answers(Number(pid))
}

/** Identities of this process and, where npm started it, of npm and the shells between: when one is killed, all end. */
export function starters() {
  const found = [process.pid]
  let upToNpm = 1
  for (let pid = process.ppid; process.env.npm_lifecycle_event && pid > 1; pid = statOf(pid)?.parent ?? 0) {
    const words = wordsOf(pid)
    const isNpm = NPM.test(words.join(' '))
    if (!isNpm && !(SHELL.test(words[0] ?? '') && words.includes('-c'))) break
    found.push(pid)
    if (isNpm) upToNpm = found.length
  }
  return found.slice(0, upToNpm).map(identityOf)
}

function wordsOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').filter(Boolean)
  } catch {
    return []
  }
}

/** Fields are counted from the last parenthesis: the program's name, in parentheses, may contain spaces and more of them. */
function statOf(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return { state: fields[0], parent: Number(fields[1]), start: fields[19] }
  } catch {
    return undefined
  }
}

function answers(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}
