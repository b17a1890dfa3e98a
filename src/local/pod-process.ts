/** One pod as one process: its environment, its log file, its last words, its end. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { mkdir, open, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { ENV } from '../contract/runtime.ts'
import type { Stored } from './objects.ts'

export interface PodLaunch {
  pod: Stored
  podIP: string
  /** How to run downpour; the container's args come after it. */
  command: readonly string[]
  hostsFile: string
  logFile: string
  terminationLog: string
  /** A mount path of the pod → the folder that stands for it. */
  folderOf: (mountPath: string) => string | undefined
}

export interface PodExit {
  exitCode: number
  /** What the process left in its termination log, at most 4096 bytes. */
  message: string
}

export interface RunningPod {
  readonly pid: number
  readonly exited: Promise<PodExit>
  signal(signal: NodeJS.Signals): void
}

interface ContainerSpec {
  args?: string[]
  env?: { name: string; value?: string; valueFrom?: { fieldRef?: { fieldPath: string } } }[]
}

const SIGNAL_BASE = 128
const SIGNAL_NUMBERS: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGABRT: 6,
  SIGKILL: 9,
  SIGSEGV: 11,
  SIGTERM: 15,
}
const MAX_MESSAGE_BYTES = 4096
/** What a process needs of the machine's own environment; nothing else leaks into pods. */
const INHERITED = ['PATH', 'HOME', 'TMPDIR', 'LANG', 'TZ', 'NODE_COMPILE_CACHE']

export async function launchPod(launch: PodLaunch, machine: NodeJS.ProcessEnv): Promise<RunningPod> {
  await mkdir(dirname(launch.logFile), { recursive: true })
  await mkdir(dirname(launch.terminationLog), { recursive: true })
  const container = containerOf(launch.pod)
  const [program = '', ...words] = [...launch.command, ...(container.args ?? [])]
  const log = createWriteStream(launch.logFile, { flags: 'a' })
  await once(log, 'open')
  // A group of its own: Ctrl-C at the terminal is for us, and we tell the pods.
  const child = spawn(program, words, {
    env: environmentOf(launch, container, machine),
    stdio: ['ignore', log, log],
    detached: true,
  } as never) as ChildProcess
  log.end()
  const exited = exitOf(child, launch.terminationLog)
  return { pid: child.pid ?? -1, exited, signal: (signal) => killGroup(child.pid, signal) }
}

/** Signals a process and all that it started. */
export function killGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  try {
    if (pid !== undefined && pid > 0) process.kill(-pid, signal)
  } catch {
    // It has ended.
  }
}

async function exitOf(child: ChildProcess, terminationLog: string): Promise<PodExit> {
  const failure = once(child, 'error').then(([error]) => ({ exitCode: 127, signal: null, error: String(error) }))
  const end = once(child, 'exit').then(([exitCode, signal]) => ({
    exitCode: exitCode as number | null,
    signal: signal as string | null,
    error: '',
  }))
  const { exitCode, signal, error } = await Promise.race([end, failure])
  const message = error || (await lastWords(terminationLog))
  await rm(terminationLog, { force: true })
  return { exitCode: exitCode ?? SIGNAL_BASE + (SIGNAL_NUMBERS[signal ?? ''] ?? 0), message }
}

async function lastWords(file: string): Promise<string> {
  const handle = await open(file).catch(() => undefined)
  if (!handle) return ''
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(MAX_MESSAGE_BYTES), 0, MAX_MESSAGE_BYTES, 0)
    return buffer.subarray(0, bytesRead).toString('utf8')
  } finally {
    await handle.close()
  }
}

export function containerOf(pod: Stored): ContainerSpec {
  return ((pod.spec?.containers as ContainerSpec[] | undefined) ?? [])[0] ?? {}
}

function environmentOf(
  launch: PodLaunch,
  { env = [] }: ContainerSpec,
  machine: NodeJS.ProcessEnv,
): Record<string, string> {
  const inherited = INHERITED.flatMap((name) => (machine[name] === undefined ? [] : [[name, machine[name]]]))
  const given = env.map(({ name, value, valueFrom }) => [
    name,
    valueFrom?.fieldRef ? fieldOf(launch, valueFrom.fieldRef.fieldPath) : mounted(launch, value ?? ''),
  ])
  const local = [
    [ENV.hostsFile, launch.hostsFile],
    [ENV.terminationLog, launch.terminationLog],
  ]
  return Object.fromEntries([...inherited, ...given, ...local])
}

/** A value that is a mount path, or lies under one, becomes the folder of this machine. */
function mounted({ folderOf }: PodLaunch, value: string): string {
  return value.startsWith('/') ? (folderOf(value) ?? value) : value
}

/** The downward API. */
function fieldOf({ pod, podIP }: PodLaunch, path: string): string {
  const { metadata } = pod
  const keyed = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(path)
  if (keyed) return metadata[keyed[1] as 'labels' | 'annotations']?.[keyed[2] as string] ?? ''
  const fields: Record<string, string> = {
    'metadata.name': metadata.name,
    'metadata.namespace': metadata.namespace ?? '',
    'metadata.uid': metadata.uid,
    'status.podIP': podIP,
    'spec.nodeName': String(pod.spec?.nodeName ?? ''),
  }
  return fields[path] ?? ''
}
