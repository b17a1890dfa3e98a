/** Ways to disturb a process, each with what ends the disturbance. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { ensureCommand } from '../../tools/cluster/prerequisites.ts'

await ensureCommand('strace')

/** Stops processes until the end of the disturbance. */
export async function stopped(pids: readonly (number | undefined)[]): Promise<() => void> {
  for (const pid of pids) process.kill(pid ?? assert.fail('no such process'), 'SIGSTOP')
  return () => {
    for (const pid of pids) if (pid !== undefined) process.kill(pid, 'SIGCONT')
  }
}

/** Stops a process again and again, so that it works for a short part of the time. */
export function slowed(pid: number | undefined, stoppedMs: number, runningMs: number): () => Promise<void> {
  assert.ok(pid !== undefined)
  const end = new AbortController()
  const loop = async () => {
    while (!end.signal.aborted) {
      process.kill(pid, 'SIGSTOP')
      await sleep(stoppedMs)
      process.kill(pid, 'SIGCONT')
      await sleep(runningMs)
    }
  }
  const running = loop()
  return () => {
    end.abort()
    return running
  }
}

/** Kills a process as often as it starts. */
export function killed(pid: () => number | undefined): () => void {
  const timer = setInterval(() => {
    const now = pid()
    if (now !== undefined) process.kill(now, 'SIGKILL')
  }, 100)
  return () => clearInterval(timer)
}

/** Delays each system call of the thread that reads and decodes the data. */
export function slowLoader(pid: number | undefined, seconds: number): () => void {
  const threads = readdirSync(`/proc/${pid}/task`)
  const loader = threads.find((id) => readFileSync(`/proc/${pid}/task/${id}/comm`, 'utf8').trim() === 'loader')
  const delay = `inject=all:delay_enter=${seconds * 1e6}`
  const child = spawn('strace', ['-q', '-p', loader ?? assert.fail('no loader'), '-e', delay], { stdio: 'ignore' })
  return () => void child.kill('SIGINT')
}
