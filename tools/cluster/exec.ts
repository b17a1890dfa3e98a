/** Runs a command to its end; a failure becomes an error with the command and the end of its output. */
import { spawn } from 'node:child_process'
import { DownpourError, errorCode } from '../../src/support/errors.ts'
import { SEARCH_PATH } from './paths.ts'

export interface ExecOptions {
  cwd?: string
  env?: Record<string, string>
  input?: string
  /** Passes the command's output on to stderr at once, for commands that show their own progress. */
  isShown?: boolean
  signal?: AbortSignal | undefined
}

/** @returns its stdout, empty if `isShown`. @throws DownpourError COMMAND_FAILED, COMMAND_MISSING, INTERRUPTED */
export async function exec(command: string, args: readonly string[], options: ExecOptions = {}): Promise<string> {
  options.signal?.throwIfAborted()
  // Starts a process group, so that an interrupt also reaches the compilers that `go build` starts.
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: { ...process.env, PATH: SEARCH_PATH, ...options.env },
    detached: true,
    stdio: options.isShown ? ['pipe', 2, 2] : 'pipe',
  })
  const interrupt = () => killGroup(child.pid)
  options.signal?.addEventListener('abort', interrupt)
  let stdout = ''
  let stderr = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  // Ignores a broken pipe: a command that exits before it has read its input is judged by its exit status.
  child.stdin?.on('error', () => undefined).end(options.input ?? '')
  const shown = `${command} ${args.join(' ')}`
  try {
    const status = await new Promise<number | null>((resolve, reject) => {
      child.on('error', (error) => reject(notStarted(command, error))).on('close', resolve)
    })
    options.signal?.throwIfAborted()
    if (status !== 0) throw new DownpourError('COMMAND_FAILED', `\`${shown}\` failed:\n${tail(stderr || stdout)}`)
    return stdout
  } finally {
    options.signal?.removeEventListener('abort', interrupt)
  }
}

export function tail(text: string, lines = 15): string {
  return text.trimEnd().split('\n').slice(-lines).join('\n')
}

function killGroup(pid: number | undefined): void {
  try {
    if (pid) process.kill(-pid, 'SIGINT')
  } catch (error) {
    if (errorCode(error) !== 'ESRCH') throw error
  }
}

function notStarted(command: string, error: Error): Error {
  if (errorCode(error) !== 'ENOENT') return error
  return new DownpourError('COMMAND_MISSING', `${command} is not on this machine: install it and run again`, {
    command,
  })
}
