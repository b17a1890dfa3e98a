/** The processes of contenders: messages, lines, and the CPU time that they have used. */
import { type ChildProcess, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const MS_A_TICK = 10

/** CPU time of a running process, which the kernel counts in steps of 10 ms. */
export function cpuMsOf(pid: number): number {
  const [, fields = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')
  const [user = 0, system = 0] = fields.split(' ').slice(11, 13).map(Number)
  return MS_A_TICK * (user + system)
}

/** Forks a module that sends the port at which it listens. */
export async function startServer(
  file: string,
  args: readonly string[] = [],
): Promise<{ child: ChildProcess; port: number }> {
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), args)
  const [{ port }] = (await once(child, 'message')) as [{ port: number }]
  return { child, port }
}

export async function end(child: ChildProcess): Promise<void> {
  const exit = once(child, 'exit')
  child.kill()
  await exit
}

/** Ends a program that reads lines. A signal would leave the processes behind that it has started. */
export async function endInput(child: ChildProcess): Promise<void> {
  const exit = once(child, 'exit')
  child.stdin?.end()
  await exit
}

/** A program that answers each line of its input with a line of JSON. */
export function startProgram(program: string, args: readonly string[]) {
  const child = spawn(program, args, {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: '3' },
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    child,
    async ask(line: string): Promise<unknown> {
      child.stdin.write(`${line}\n`)
      const { value, done } = await lines.next()
      if (done) throw new Error(`${program} ${args.join(' ')} has ended`)
      return JSON.parse(value)
    },
  }
}
