/** Processes that outlive the command that started them. A file says which they are: pid and start time, because pids come again. */
import { spawn } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { DownpourError, errorCode, errorMessage } from '../../src/support/errors.ts'
import { tail } from './exec.ts'
import { LOGS, RUN, SEARCH_PATH } from './paths.ts'

export interface Component {
  readonly name: string
  /** For people. */
  readonly version: string
  readonly command: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Changes when the program does; a process of another build is replaced. */
  readonly build?: string
  /** What it must find; done each time that it really starts. */
  readonly beforeStart?: () => Promise<void>
  /** Rejects while it does not answer. */
  readonly probe: () => Promise<void>
}

interface Identity {
  readonly pid: number
  readonly startTicks: string
  readonly started: string
}

const READY_MS = 90_000
/** A process that no longer answers may be busy, not broken. */
const BUSY_MS = 15_000
/** The API server waits for its watchers, which do not leave; it holds nothing that a kill could lose. */
const STOP_MS = 8_000
const POLL_MS = 50

/** @returns what was done about it. */
export async function ensureRunning(component: Component, signal?: AbortSignal): Promise<'running' | 'started'> {
  const identity = identityOf(component.name)
  if (identity?.started === fingerprint(component)) {
    const answers = await untilReady(component, BUSY_MS, signal).then(
      () => true,
      () => false,
    )
    signal?.throwIfAborted()
    if (answers) return 'running'
  }
  await stop(component.name)
  await component.beforeStart?.()
  await start(component, signal)
  return 'started'
}

/** The pid of a component's process, while it lives. */
export function pidOf(name: string): number | undefined {
  return identityOf(name)?.pid
}

export function startedNames(): string[] {
  return existsSync(RUN) ? readdirSync(RUN).map((file) => basename(file, '.json')) : []
}

/** Ends a component with its children, and returns when it is gone. */
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

/** When the kernel started the process; nothing for one that is gone or only waits to be reaped. */
function startTicksOf(pid: number): string | undefined {
  try {
    // The name in brackets may hold blanks; what follows it does not: state is the first field, start time the 20th.
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
