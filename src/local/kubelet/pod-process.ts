/** One pod as one process: its environment, its log file, its termination message, its end. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, open, rm } from 'node:fs/promises'
import { constants } from 'node:os'
import { dirname } from 'node:path'
import { containerOf } from './container.ts'
import { type PodPlace, podEnvironment } from './pod-environment.ts'

export interface PodLaunch extends PodPlace {
  /** How to run downpour; the container's args come after it. */
  command: readonly string[]
  logFile: string
  /** Told of the process before anything else can happen to us. */
  onSpawn: (pid: number) => void
}

export interface PodExit {
  exitCode: number
  /** What the process left in its termination log, at most 4096 bytes. */
  message: string
  /** Other than Completed or Error. */
  reason?: string
}

export interface RunningPod {
  readonly pid: number
  readonly exited: Promise<PodExit>
  signal(signal: NodeJS.Signals): void
}

/** As a shell counts: 128 and the number of the signal. */
const SIGNAL_BASE = 128
const MAX_MESSAGE_BYTES = 4096

/** @throws what spawn throws, such as ENOENT: then there is no process */
export async function launchPod(launch: PodLaunch, machine: NodeJS.ProcessEnv): Promise<RunningPod> {
  await mkdir(dirname(launch.logFile), { recursive: true })
  await mkdir(dirname(launch.terminationLog), { recursive: true })
  const container = containerOf(launch.pod)
  const [program = '', ...args] = [...launch.command, ...(container.args ?? [])]
  const log = await open(launch.logFile, 'a', 0o600)
  try {
    // A group of its own: Ctrl-C at the terminal is for us, and we tell the pods.
    const child = spawn(program, args, {
      env: podEnvironment(launch, container, machine),
      // The end of the first pipe tells a pod that we are no more.
      stdio: ['pipe', log.fd, log.fd],
      detached: true,
    })
    if (child.pid !== undefined) launch.onSpawn(child.pid)
    const exited = waitForExit(child, launch.terminationLog)
    await once(child, 'spawn')
    return { pid: child.pid as number, exited, signal: (signal) => signalGroup(child, signal) }
  } finally {
    await log.close()
  }
}

/** Signals a process and all that it started. */
function signalGroup({ pid = 0 }: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (pid > 0) process.kill(-pid, signal)
  } catch {
    // It has ended.
  }
}

async function waitForExit(child: ChildProcess, terminationLog: string): Promise<PodExit> {
  const { promise, resolve } = Promise.withResolvers<[number | null, NodeJS.Signals | null]>()
  child.once('exit', (exitCode, signal) => resolve([exitCode, signal]))
  const [exitCode, signal] = await promise
  // What it started and did not end itself ends with it, as in a container.
  signalGroup(child, 'SIGKILL')
  const message = await readTerminationMessage(terminationLog)
  await rm(terminationLog, { force: true })
  return { exitCode: exitCode ?? SIGNAL_BASE + (signal ? constants.signals[signal] : 0), message }
}

async function readTerminationMessage(file: string): Promise<string> {
  const handle = await open(file).catch(() => undefined)
  if (!handle) return ''
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(MAX_MESSAGE_BYTES), 0, MAX_MESSAGE_BYTES, 0)
    return buffer.subarray(0, bytesRead).toString('utf8')
  } finally {
    await handle.close()
  }
}
