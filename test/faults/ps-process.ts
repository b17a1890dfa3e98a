/** Runs `downpour ps` as a process on its own loopback address, so that a test can kill it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomInt, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { ARGS, ENV, FOLDER_ENV, type RuntimeConfig } from '../../src/contract/runtime.ts'

const BIN = resolve('bin/downpour')

export interface PsProcess {
  readonly host: string
  /** Starts a new process on the same address and the same checkpoints. */
  start(): void
  kill(): Promise<void>
  /** The output of all processes since the first start. */
  output(): string
}

export function createPsProcess(config: RuntimeConfig, checkpointDir: string): PsProcess {
  const host = `127.${randomInt(160, 250)}.${randomInt(1, 250)}.${randomInt(1, 250)}`
  const topology = { parameterServers: 1, workers: 3, psHosts: [host] }
  let child: ChildProcess | undefined
  let printed = ''
  return {
    host,
    output: () => printed,
    start() {
      child = spawn(process.execPath, [BIN, 'ps', ARGS.index, '0', ARGS.attempt, '0'], {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: {
          [ENV.config]: JSON.stringify({ ...config, topology }),
          [ENV.podUid]: randomUUID(),
          [ENV.podIp]: host,
          [FOLDER_ENV.checkpoint]: checkpointDir,
          [ENV.terminationLog]: '/dev/null',
        },
      })
      for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (printed += chunk))
    },
    async kill() {
      if (!child || child.exitCode !== null) return
      const exit = once(child, 'exit')
      child.kill('SIGKILL')
      await exit
    },
  }
}
