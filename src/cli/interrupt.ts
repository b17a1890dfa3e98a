/** The exit code of a program that was ended by SIGINT: 128 + 2. */
const INTERRUPTED = 130

/**
 * Runs `work` with a signal that SIGINT and SIGTERM abort; a second one ends the process at once.
 * @returns the exit code of `work`, or 130 after an interruption, when `onStopped` has been called
 */
export async function untilInterrupted(
  work: (signal: AbortSignal) => Promise<number>,
  onStopped: () => void,
): Promise<number> {
  const stop = new AbortController()
  const onInterrupt = () => stop.abort()
  process.once('SIGINT', onInterrupt)
  process.once('SIGTERM', onInterrupt)
  try {
    return await work(stop.signal)
  } catch (error) {
    if (!stop.signal.aborted) throw error
    onStopped()
    return INTERRUPTED
  } finally {
    process.off('SIGINT', onInterrupt)
    process.off('SIGTERM', onInterrupt)
  }
}
