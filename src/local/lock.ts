/**
 * One run a folder. The lock is a socket name that the kernel gives to one process and takes back when that process
 * ends, however it ends: there is no stale lock and no moment between looking and taking. A file beside it says who.
 */
import { createHash } from 'node:crypto'
import { readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { DownpourError, errorCode } from '../support/errors.ts'
import { prepareStateDir, stateDirError } from './state-dir.ts'

/** @returns a function that gives the folder back. @throws DownpourError ALREADY_RUNNING, STATE_DIR_UNUSABLE */
export async function lockFolder(stateDir: string): Promise<() => void> {
  prepareStateDir(stateDir)
  const file = join(stateDir, 'lock')
  const server = createServer((socket) => socket.destroy())
  const name = createHash('sha256').update(realpathSync(stateDir)).digest('hex')
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(errorCode(error) === 'EADDRINUSE' ? alreadyRunning(stateDir, file) : error))
    // The leading zero byte: a name of the kernel's, not a file.
    server.listen(`\0downpour-${name}`, resolve)
  })
  server.unref()
  try {
    writeFileSync(file, String(process.pid), { mode: 0o600 })
  } catch (error) {
    server.close()
    throw stateDirError(stateDir, error)
  }
  return () => {
    rmSync(file, { force: true })
    server.close()
  }
}

function alreadyRunning(stateDir: string, file: string): DownpourError {
  const holder = holderOf(file)
  const who = holder ? ` (process ${holder})` : ''
  const message = `another downpour${who} already runs in ${stateDir}; stop it, or use another folder: --state-dir DIR`
  return new DownpourError('ALREADY_RUNNING', message, { stateDir, holder })
}

function holderOf(file: string): number | undefined {
  try {
    return Number(readFileSync(file, 'utf8')) || undefined
  } catch {
    return undefined
  }
}
