/** Keeps one operator process alive beside `downpour run`: the jobs train on while it is down, so a crash is a pause. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { Reaper } from '../local/reaper.ts'
import { systemClock } from '../support/clock.ts'
import type { Log } from '../support/log.ts'
import type { ProgressView } from './progress.ts'

const RESTART_AFTER_MS = 500
const STOP_GRACE_MS = 10_000

export interface SupervisorOptions {
  /** How to run downpour. */
  command: readonly string[]
  kubeconfig: string
  stateDir: string
  environment: NodeJS.ProcessEnv
  view: ProgressView
  log: Log
}

/** @returns what ends the operator in order; it ends as well when this process dies without a word */
export function superviseOperator({ stateDir, view, log, ...how }: SupervisorOptions): { stop(): Promise<void> } {
  const logFile = join(stateDir, 'logs', 'operator.log')
  mkdirSync(join(stateDir, 'logs'), { recursive: true })
  const output = openSync(logFile, 'a')
  const reaper = new Reaper(log)
  const stopping = new AbortController()
  let child: ChildProcess | undefined

  const keepRunning = async () => {
    while (!stopping.signal.aborted) {
      child = startOperator(how, output)
      if (child.pid !== undefined) reaper.watch(child.pid)
      const [code, signal] = (await once(child, 'exit')) as [number | null, string | null]
      if (child.pid !== undefined) reaper.forget(child.pid)
      if (stopping.signal.aborted) return
      view.say(`operator ended (${signal ?? `exit ${code}`}), starting another; its log: ${logFile}`)
      await systemClock.sleep(RESTART_AFTER_MS, stopping.signal).catch(() => {})
    }
  }
  const running = keepRunning()

  return {
    async stop() {
      stopping.abort()
      child?.kill('SIGTERM')
      const timer = setTimeout(() => child?.kill('SIGKILL'), STOP_GRACE_MS)
      await running.finally(() => clearTimeout(timer))
      reaper.close()
    },
  }
}

/**
 * Port 0: several runs on one machine do not meet. One replica needs no lease. A group of its own: Ctrl-C at the
 * terminal is for us, and we end the operator.
 */
function startOperator(
  { command, kubeconfig, environment }: Pick<SupervisorOptions, 'command' | 'kubeconfig' | 'environment'>,
  output: number,
): ChildProcess {
  const [program = '', ...words] = command
  const flags = ['--kubeconfig', kubeconfig, '--no-leader-elect', '--http-port', '0', '--poll-seconds', '1']
  return spawn(program, [...words, 'operator', ...flags], {
    stdio: ['ignore', output, output],
    env: environment,
    detached: true,
  })
}
