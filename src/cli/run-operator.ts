/** Keeps one operator process alive beside `downpour run`: the jobs train on while it is down, so a crash is a pause. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock } from '../support/clock.ts'
import type { ProgressView } from './progress.ts'

const RESTART_AFTER_MS = 500
const STOP_GRACE_MS = 10_000

export interface SupervisedOperator {
  /** Process id of the running operator; undefined between two. */
  readonly pid: number | undefined
  stop(): Promise<void>
}

export function superviseOperator(options: {
  command: readonly string[]
  kubeconfig: string
  stateDir: string
  environment: NodeJS.ProcessEnv
  view: ProgressView
}): SupervisedOperator {
  const logFile = join(options.stateDir, 'logs', 'operator.log')
  mkdirSync(join(options.stateDir, 'logs'), { recursive: true })
  const output = openSync(logFile, 'a')
  const stopping = new AbortController()
  let child: ReturnType<typeof spawn> | undefined

  const keepRunning = async () => {
    while (!stopping.signal.aborted) {
      child = spawn(
        options.command[0] as string,
        [...options.command.slice(1), ...operatorArguments(options.kubeconfig)],
        { stdio: ['ignore', output, output], env: options.environment },
      )
      const [code, signal] = (await once(child, 'exit')) as [number | null, string | null]
      if (stopping.signal.aborted) return
      options.view.say(`operator ended (${signal ?? `exit ${code}`}), starting another; its log: ${logFile}`)
      await systemClock.sleep(RESTART_AFTER_MS, stopping.signal).catch(() => {})
    }
  }
  const running = keepRunning()

  return {
    get pid() {
      return child?.exitCode === null && child.signalCode === null ? child.pid : undefined
    },
    async stop() {
      stopping.abort()
      child?.kill('SIGTERM')
      const timer = setTimeout(() => child?.kill('SIGKILL'), STOP_GRACE_MS)
      await running.finally(() => clearTimeout(timer))
    },
  }
}

/** Port 0: several runs on one machine do not meet. One replica needs no lease. */
function operatorArguments(kubeconfig: string): string[] {
  return ['operator', '--kubeconfig', kubeconfig, '--no-leader-elect', '--http-port', '0', '--poll-seconds', '1']
}
