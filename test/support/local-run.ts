/** Runs `downpour run` as a child process, with access to its jobs and to the processes that it started. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Job } from '../../src/api/job.ts'
import { API_VERSION, type JobKind, PLURALS, type Role } from '../../src/contract/names.ts'
import { ARGS } from '../../src/contract/runtime.ts'
import { KubeClient } from '../../src/kube/client.ts'
import type { KubeObject } from '../../src/kube/objects.ts'
import { silentLog } from '../../src/support/log.ts'
import { eventually } from './eventually.ts'

const BIN = resolve('bin/downpour')
/** Until the API server listens. Long, because other tests run at the same time. */
const STARTS_WITHIN_MS = 60_000

export interface LocalRun {
  readonly stateDir: string
  readonly child: ChildProcess
  /** All output so far. */
  output(): string
  client(): Promise<KubeClient>
  job(kind: JobKind, name: string): Promise<Job>
  /** Process id of a running pod. */
  podPid(role: Role, index: number): number | undefined
  /** Process id of one of several processes that compute in the pod of a worker. */
  computePid(index: number, process: number): number | undefined
  operatorPid(): number | undefined
  /** Process ids of the run's pods and operator. */
  processes(): number[]
  /** The exit code of `downpour run`. */
  ended(timeoutMs: number): Promise<number | null>
  /** The jobs at the end of the run. */
  results(): Job[]
}

export function startLocalRun(files: readonly string[], stateDir: string, flags: readonly string[] = []): LocalRun {
  const child = spawn(process.execPath, [BIN, 'run', ...files, '--state-dir', stateDir, ...flags], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let printed = ''
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (printed += chunk))
  const exit = once(child, 'exit') as Promise<[number | null, string | null]>
  const kubeconfig = join(stateDir, 'kubeconfig')
  const client = async () => {
    const written = () => {
      if (!existsSync(kubeconfig)) throw new Error(`no kubeconfig yet; printed: ${printed}`)
    }
    await eventually(written, { timeoutMs: STARTS_WITHIN_MS, intervalMs: 20 })
    return new KubeClient({ kubeConfig: kubeconfig, log: silentLog })
  }
  return {
    stateDir,
    child,
    output: () => printed,
    client,
    async job(kind, name) {
      const ref = { apiVersion: API_VERSION, plural: PLURALS[kind], namespace: 'default', name }
      return (await (await client()).get<KubeObject>(ref)) as unknown as Job
    },
    podPid: (role, index) => findProcesses(role, stateDir, { index, process: undefined })[0],
    computePid: (index, process) => findProcesses('worker', stateDir, { index, process })[0],
    operatorPid: () => findProcesses('operator', stateDir)[0],
    processes: () => ['ps', 'worker', 'evaluator', 'operator'].flatMap((verb) => findProcesses(verb, stateDir)),
    results: () => JSON.parse(readFileSync(join(stateDir, 'results.json'), 'utf8')) as Job[],
    async ended(timeoutMs) {
      const late = AbortSignal.timeout(timeoutMs)
      const timeout = once(late, 'abort').then(() => {
        throw new Error(`downpour run still runs after ${timeoutMs} ms; printed: ${printed}`)
      })
      return (await Promise.race([exit, timeout]))[0]
    },
  }
}

/** The numbers in the arguments of a pod, and of one of several processes in it. */
type Numbers = Readonly<Record<'index' | 'process', number | undefined>>

/** Finds downpour processes of this run in /proc, by their arguments and the state folder in their environment. */
function findProcesses(verb: string, stateDir: string, numbers?: Numbers): number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  return pids.map(Number).filter((pid) => belongsToRun(pid, verb, resolve(stateDir), numbers))
}

function belongsToRun(pid: number, verb: string, stateDir: string, numbers: Numbers | undefined): boolean {
  try {
    const args = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
    if (!args.includes(BIN) || !args.includes(verb)) return false
    const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0')
    const cwd = readlinkSync(`/proc/${pid}/cwd`)
    const paths = [...args, ...environment].filter((word) => word.includes('/')).join('\0')
    const isOfRun = paths.includes(stateDir) || args.some((arg) => arg !== '' && resolve(cwd, arg).startsWith(stateDir))
    const has = (flag: string, value: number | undefined) =>
      value === undefined ? !args.includes(flag) : args[args.indexOf(flag) + 1] === String(value)
    return isOfRun && (!numbers || (has(ARGS.index, numbers.index) && has(ARGS.process, numbers.process)))
  } catch {
    return false // The process ended while its /proc files were read.
  }
}
