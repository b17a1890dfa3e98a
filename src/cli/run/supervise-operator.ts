/** Restarts the operator process of `downpour run` when it ends. Jobs continue to train while it is down. */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { Reaper } from '../../local/kubelet/reaper.ts'
import { backoffMs } from '../../support/backoff.ts'
import { type Clock, systemClock } from '../../support/clock.ts'
import { errorMessage } from '../../support/errors.ts'
import type { Log } from '../../support/log.ts'
import type { ProgressView } from '../progress.ts'

const RESTART = { baseMs: 500, capMs: 30_000 }
/** An operator that ran this long resets the back-off. */
const HEALTHY_AFTER_MS = 60_000
const HTTP_HOST = '127.0.0.1'
/** Any free port, so that several runs do not collide. */
const HTTP_FLAGS = ['--http-host', HTTP_HOST, '--http-port', '0']
const STOP_GRACE_MS = 10_000

export interface SupervisorOptions {
  /** Program and first arguments that run bin/downpour. */
  command: readonly string[]
  kubeconfig: string
  stateDir: string
  environment: NodeJS.ProcessEnv
  view: Pick<ProgressView, 'print'>
  log: Log
  clock?: Clock
}

export interface SupervisedOperator {
  /** Where it serves metrics; undefined while it does not run. */
  address(): string | undefined
  stop(): Promise<void>
}

/** Starts the operator. It also ends when this process is killed, because its standard input is a pipe from here. */
export function superviseOperator({
  stateDir,
  view,
  log,
  clock = systemClock,
  ...how
}: SupervisorOptions): SupervisedOperator {
  const logFile = join(stateDir, 'logs', 'operator.log')
  mkdirSync(join(stateDir, 'logs'), { recursive: true })
  const output = openSync(logFile, 'a', 0o600)
  const reaper = new Reaper(log)
  const stopping = new AbortController()
  let child: ChildProcess | undefined
  let httpPort: number | undefined

  const keepRunning = async () => {
    for (let failures = 0; !stopping.signal.aborted; failures++) {
      const startedMs = clock.monotonicMs()
      child = startOperator(how, output)
      if (child.pid !== undefined) reaper.watch(child.pid)
      child.on('message', (message: { httpPort?: number }) => {
        httpPort = message.httpPort
      })
      const end = await endOf(child)
      httpPort = undefined
      if (child.pid !== undefined) reaper.forget(child.pid)
      if (stopping.signal.aborted) return
      view.print(`operator ${end}; log: ${logFile}`)
      if (clock.monotonicMs() - startedMs >= HEALTHY_AFTER_MS) failures = 0
      await clock.sleep(backoffMs(failures, RESTART, Math.random), stopping.signal).catch(() => {})
    }
  }
  const running = keepRunning().finally(() => closeSync(output))

  return {
    address: () => (httpPort === undefined ? undefined : `${HTTP_HOST}:${httpPort}`),
    async stop() {
      stopping.abort()
      child?.kill('SIGTERM')
      const timer = setTimeout(() => child?.kill('SIGKILL'), STOP_GRACE_MS)
      await running.finally(() => clearTimeout(timer))
      reaper.close()
    },
  }
}

/** @returns how the process ended, as text for the user. Never rejects: a process that cannot be started is tried again. */
function endOf(child: ChildProcess): Promise<string> {
  return new Promise((done) => {
    child.once('exit', (code, signal) => done(`ended (${signal ?? `exit ${code}`}) and is restarted`))
    child.on('error', (error) => {
      if (child.pid === undefined) done(`could not be started (${errorMessage(error)}) and is tried again`)
    })
  })
}

/**
 * Without leader election, because there is one replica. In its own process group, so that Ctrl-C at the terminal reaches
 * only this process, which then stops the operator.
 */
function startOperator(
  { command, kubeconfig, environment }: Pick<SupervisorOptions, 'command' | 'kubeconfig' | 'environment'>,
  output: number,
): ChildProcess {
  const [program = '', ...words] = command
  const flags = ['--kubeconfig', kubeconfig, '--no-leader-elect', ...HTTP_FLAGS, '--poll-seconds', '1']
  return spawn(program, [...words, 'operator', ...flags], {
    stdio: ['pipe', output, output, 'ipc'],
    env: environment,
    detached: true,
  })
}
