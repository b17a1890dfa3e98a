/** One run a folder: a file with the process id of who has it. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DownpourError } from '../support/errors.ts'

/** @returns a function that gives the folder back. @throws DownpourError ALREADY_RUNNING */
export function lockFolder(stateDir: string): () => void {
  mkdirSync(stateDir, { recursive: true })
  const file = join(stateDir, 'lock')
  const holder = holderOf(file)
  if (holder !== undefined) {
    const message = `another downpour (process ${holder}) already runs in ${stateDir}; stop it, or use another folder: --state-dir DIR`
    throw new DownpourError('ALREADY_RUNNING', message, { stateDir, holder })
  }
  writeFileSync(file, `${process.pid} ${startOf(process.pid) ?? ''}`)
  return () => rmSync(file, { force: true })
}

/** The process that holds the lock; a number that was given to another process since does not count. */
function holderOf(file: string): number | undefined {
  try {
    const [pid, start] = readFileSync(file, 'utf8').split(' ')
    const alive = startOf(Number(pid))
    return alive !== undefined && alive === start ? Number(pid) : undefined
  } catch {
    return undefined
  }
}

/** When a process started, in the kernel's ticks; undefined: there is none. */
function startOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[19]
  } catch {
    return undefined
  }
}
