/** Allows one `up` or `down` at a time. A second one waits: usually the first does what the second wants. */
import { setTimeout as delay } from 'node:timers/promises'
import { lockFolder } from '../../src/local/lock.ts'
import { errorCode } from '../../src/support/errors.ts'
import { BUILDS } from './paths.ts'
import { say } from './say.ts'

const POLL_MS = 200

export async function withLock<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  const unlock = await waitForLock(signal)
  try {
    return await work()
  } finally {
    unlock()
  }
}

async function waitForLock(signal?: AbortSignal): Promise<() => void> {
  for (let waited = false; ; waited = true) {
    signal?.throwIfAborted()
    try {
      return await lockFolder(BUILDS)
    } catch (error) {
      if (errorCode(error) !== 'ALREADY_RUNNING') throw error
    }
    if (!waited) say('waiting for another `up` or `down` to end')
    await delay(POLL_MS, undefined, { signal })
  }
}
