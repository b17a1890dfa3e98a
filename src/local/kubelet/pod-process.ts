/** Starts a pod's process with its environment and log file, and reads its exit code and termination message. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, open, rm } from 'node:fs/promises'
import { constants } from 'node:os'
import { dirname } from 'node:path'
import { containerOf } from './container.ts'
import { type PodPlace, podEnvironment } from './pod-environment.ts'

export interface PodLaunch extends PodPlace {
  /** Command line of downpour; the container's args are appended. */
  command: readonly string[]
  logFile: string
  /** Called synchronously after the spawn, so that no crash of this process can leave the child unknown to the reaper. */
  onSpawn: (pid: number) => void
}

export interface PodExit {
  exitCode: number
  /** The process's termination message, at most 4096 bytes. */
  message: string
  /** Absent: Completed or Error, by the exit code. */
  reason?: string
}

export interface RunningPod {
  readonly pid: number
  readonly exited: Promise<PodExit>
  signal(signal: NodeJS.Signals): void
}

/** A shell's convention for a process that a signal ended: 128 plus the number of the signal. */
const SIGNAL_BASE = 128
const MAX_MESSAGE_BYTES = 4096

/** @throws the error of spawn, such as ENOENT, if no process was started */
export async function launchPod(launch: PodLaunch, machine: NodeJS.ProcessEnv): Promise<RunningPod> {
  await mkdir(dirname(launch.logFile), { recursive: true })
  await mkdir(dirname(launch.terminationLog), { recursive: true })
  const container = containerOf(launch.pod)
  const [program = '', ...args] = [...launch.command, ...(container.args ?? [])]
  const log = await open(launch.logFile, 'a', 0o600)
  try {
    // `detached` gives the pod its own process group: Ctrl-C at the terminal reaches this process alone, which ends the pods.
    const child = spawn(program, args, {
      env: podEnvironment(launch, container, machine),
      // Standard input is a pipe: it closes when this process dies, and the pod ends (support/end-with-run.ts).
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

/** Signals the process and its children. */
function signalGroup({ pid = 0 }: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (pid > 0) process.kill(-pid, signal)
  } catch {
    // The process has ended.
  }
}

async function waitForExit(child: ChildProcess, terminationLog: string): Promise<PodExit> {
  const { promise, resolve } = Promise.withResolvers<[number | null, NodeJS.Signals | null]>()
  child.once('exit', (exitCode, signal) => resolve([exitCode, signal]))
  const [exitCode, signal] = await promise
  // Kills children that the process left behind, as the end of a container does.
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
