/**
 * Starts and stops processes that outlive the command that started them. A file for each holds its pid, and its start
 * time because the kernel reuses pids.
 */
import { spawn } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { DownpourError, errorCode, errorMessage } from '../../src/support/errors.ts'
import { tail } from './exec.ts'
import { LOGS, RUN, SEARCH_PATH } from './paths.ts'

export interface Component {
  readonly name: string
  /** Shown by `status`. */
  readonly version: string
  readonly command: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Identifies the program's build; a process of another build is replaced. */
  readonly build?: string
  /** Runs before each real start of the process. */
  readonly beforeStart?: () => Promise<void>
  /** Rejects while the component is not ready. */
  readonly probe: () => Promise<void>
}

interface Identity {
  readonly pid: number
  readonly startTicks: string
  /** Fingerprint of the component that was started. */
  readonly started: string
}

const READY_MS = 90_000
/** How long a running process may fail its probe before it is replaced: it may only be busy. */
const BUSY_MS = 15_000
/** Grace period before SIGKILL. The API server would wait much longer for its watches to end, and a kill loses no data. */
const STOP_MS = 8_000
const POLL_MS = 50

/** @returns `running` if the component ran already, `started` if this call started or replaced it */
export async function ensureRunning(component: Component, signal?: AbortSignal): Promise<'running' | 'started'> {
  const identity = identityOf(component.name)
  if (identity?.started === fingerprint(component)) {
    const isReady = await untilReady(component, BUSY_MS, signal).then(
      () => true,
      () => false,
    )
    signal?.throwIfAborted()
    if (isReady) return 'running'
  }
  await stop(component.name)
  await component.beforeStart?.()
  await start(component, signal)
  return 'started'
}

/** @returns the pid of a component's process, or undefined if it does not run */
export function pidOf(name: string): number | undefined {
  return identityOf(name)?.pid
}

export function startedNames(): string[] {
  return existsSync(RUN) ? readdirSync(RUN).map((file) => basename(file, '.json')) : []
}

/** Ends a component and its children, and resolves when the process is gone. @returns whether it ran */
export async function stop(name: string): Promise<boolean> {
  const identity = identityOf(name)
  if (identity) {
    signalGroup(identity.pid, 'SIGTERM')
    const deadline = performance.now() + STOP_MS
    while (isAlive(identity) && performance.now() < deadline) await delay(POLL_MS)
    signalGroup(identity.pid, 'SIGKILL')
    while (isAlive(identity)) await delay(POLL_MS)
  }
  rmSync(identityFile(name), { force: true })
  return identity !== undefined
}

async function start(component: Component, signal?: AbortSignal): Promise<void> {
  for (const folder of [LOGS, RUN]) mkdirSync(folder, { recursive: true })
  const log = openSync(logFile(component.name), 'w')
  const options = {
    detached: true,
    stdio: ['ignore', log, log] as const,
    env: { ...process.env, PATH: SEARCH_PATH, ...component.env },
  }
  const child = spawn(component.command, component.args, { ...options, stdio: [...options.stdio] })
  closeSync(log)
  await new Promise<void>((resolve, reject) => child.once('spawn', resolve).once('error', reject))
  child.unref()
  const pid = child.pid as number
  const identity: Identity = { pid, startTicks: startTicksOf(pid) ?? 'ended', started: fingerprint(component) }
  writeFileSync(identityFile(component.name), JSON.stringify(identity))
  await untilReady(component, READY_MS, signal)
}

async function untilReady(component: Component, budgetMs: number, signal?: AbortSignal): Promise<void> {
  const deadline = performance.now() + budgetMs
  for (;;) {
    signal?.throwIfAborted()
    const identity = identityOf(component.name)
    try {
      if (identity) return await component.probe()
    } catch (error) {
      if (performance.now() > deadline) throw notReady(component, `does not answer: ${errorMessage(error)}`)
    }
    if (!identity) throw notReady(component, 'ended')
    await delay(POLL_MS)
  }
}

function notReady(component: Component, what: string): DownpourError {
  const file = logFile(component.name)
  const last = existsSync(file) ? tail(readFileSync(file, 'utf8')) : ''
  return new DownpourError('COMPONENT_NOT_READY', `${component.name} ${what}; the end of ${file}:\n${last}`)
}

function fingerprint(component: Component): string {
  return JSON.stringify([component.build, component.command, ...component.args, component.env])
}

function identityOf(name: string): Identity | undefined {
  if (!existsSync(identityFile(name))) return undefined
  const identity = JSON.parse(readFileSync(identityFile(name), 'utf8')) as Identity
  return isAlive(identity) ? identity : undefined
}

function isAlive(identity: Identity): boolean {
  return startTicksOf(identity.pid) === identity.startTicks
}

/** @returns when the kernel started the process; undefined if it is gone or a zombie */
function startTicksOf(pid: number): string | undefined {
  try {
    // The program's name, in parentheses, may contain spaces. Of the fields after it, the 1st is the state, the 20th the start time.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? []
    return fields[0] === 'Z' ? undefined : fields[19]
  } catch {
    return undefined
  }
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal)
  } catch (error) {
    if (errorCode(error) !== 'ESRCH') throw error
  }
}

const identityFile = (name: string) => join(RUN, `${name}.json`)
export const logFile = (name: string) => join(LOGS, `${name}.log`)
