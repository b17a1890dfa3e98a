/**
 * Allows one run per state folder. The lock is an abstract socket name: the kernel binds it for one process at a time and
 * frees it when that process ends, even by SIGKILL, so there are no stale locks. A file names the holder, for the message.
 */
import { readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { sha256Of } from '../support/digest.ts'
import { DownpourError, errorCode } from '../support/errors.ts'
import { prepareStateDir, stateDirError } from './state-dir.ts'

/** @returns a function that releases the lock. @throws DownpourError ALREADY_RUNNING, STATE_DIR_UNUSABLE */
export async function lockFolder(stateDir: string): Promise<() => void> {
  prepareStateDir(stateDir)
  const file = join(stateDir, 'lock')
  const server = createServer((socket) => socket.destroy())
  const name = sha256Of(realpathSync(stateDir))
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(errorCode(error) === 'EADDRINUSE' ? alreadyRunning(stateDir, file) : error))
    // The leading zero byte makes it an abstract name instead of a file.
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
