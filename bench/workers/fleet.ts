/** Parameter servers and workers as processes, which end with their parent. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { limitCpu } from '../../test/support/cpu-limit.ts'
import type { ClientsReport, Request } from './clients-process.ts'
import type { ServerUsage } from './server-process.ts'

const SERVER_PROGRAM = fileURLToPath(new URL('server-process.ts', import.meta.url))
const CLIENTS_PROGRAM = fileURLToPath(new URL('clients-process.ts', import.meta.url))
/** Several clients share a process: 50 processes would need much memory, and their start much time. */
const WORKERS_OF_A_PROCESS = 8
/** Short against an exchange, because a server that has used its share waits for the next period. */
const SHORTEST_PERIOD_MICROSECONDS = 10_000
/** The kernel refuses less than 1 ms. */
const SHORTEST_SHARE_MICROSECONDS = 2000

export class Fleet {
  readonly #folder: string
  readonly #servers: ChildProcess[] = []
  readonly #clients: ChildProcess[] = []
  readonly #hosts: string[]
  readonly #limits: (() => void)[] = []

  private constructor(folder: string, servers: number) {
    this.#folder = folder
    this.#hosts = Array.from({ length: servers }, () => 'unknown')
  }

  /** Runs parameter servers without a model during `work`. */
  static async with<T>(servers: number, work: (fleet: Fleet) => Promise<T>): Promise<T> {
    const fleet = new Fleet(await mkdtemp(join(tmpdir(), 'downpour-workers-')), servers)
    try {
      // Number 0 starts last, because it connects to the others.
      for (let index = servers - 1; index >= 0; index--) await fleet.#startServer(index)
      return await work(fleet)
    } finally {
      await fleet.#end()
    }
  }

  /** Worker 0 connects first, because it offers the layout. */
  async connect(workers: number): Promise<void> {
    for (let first = 0; first < workers; first += WORKERS_OF_A_PROCESS) {
      const count = Math.min(WORKERS_OF_A_PROCESS, workers - first)
      const child = fork(CLIENTS_PROGRAM, [String(first), String(count), ...this.#hosts])
      this.#clients.push(child)
      await once(child, 'message')
    }
  }

  /** @param cores of each server; 1: no limit, because its thread uses no more */
  limit(cores: number): void {
    if (cores >= 1) return
    const period = Math.round(Math.max(SHORTEST_PERIOD_MICROSECONDS, SHORTEST_SHARE_MICROSECONDS / cores))
    for (const { pid } of this.#servers) this.#limits.push(limitCpu(pid as number, cores, period))
  }

  /** Asks one process of workers after another. */
  async ask(request: Request): Promise<void> {
    for (const client of this.#clients) await ask(client, request)
  }

  reports(): Promise<ClientsReport[]> {
    const request: Request = { type: 'report' }
    return Promise.all(this.#clients.map((client) => ask(client, request))) as Promise<ClientsReport[]>
  }

  usages(): Promise<ServerUsage[]> {
    return Promise.all(this.#servers.map((server) => ask(server, 'usage'))) as Promise<ServerUsage[]>
  }

  async #startServer(index: number): Promise<void> {
    const child = fork(SERVER_PROGRAM, [String(index), this.#folder, ...this.#hosts])
    this.#servers.unshift(child)
    const [port] = await once(child, 'message')
    this.#hosts[index] = `127.0.0.1:${port}`
  }

  async #end(): Promise<void> {
    for (const remove of this.#limits) remove()
    for (const child of [...this.#clients, ...this.#servers]) await endOf(child)
    await rm(this.#folder, { recursive: true, force: true })
  }
}

async function endOf(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || !child.connected) return
  const ended = once(child, 'exit')
  child.disconnect()
  await ended
}

async function ask(child: ChildProcess, question: Request | 'usage'): Promise<unknown> {
  const answered = once(child, 'message')
  child.send(question)
  const [answer] = await answered
  return answer
}
