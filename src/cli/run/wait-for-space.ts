/** Repeats the writes of `downpour run` itself while the disk is full. */
import { systemClock } from '../../support/clock.ts'
import { storageErrorReason } from '../../support/storage.ts'
import type { ProgressView } from '../progress.ts'

const RETRY_INTERVAL_MS = 1000

/** Repeats `write` until it succeeds. @throws AbortError, and any error that is not about storage */
export async function retryUntilSpace(
  folder: string,
  view: Pick<ProgressView, 'print'>,
  signal: AbortSignal,
  write: () => Promise<void>,
): Promise<void> {
  for (let isReported = false; ; isReported = true)
    try {
      return await write()
    } catch (error) {
      const reason = storageErrorReason(error)
      if (reason === undefined) throw error
      if (!isReported) view.print(`${reason} (${folder}): the results are written when there is space`)
      await systemClock.sleep(RETRY_INTERVAL_MS, signal)
    }
}
