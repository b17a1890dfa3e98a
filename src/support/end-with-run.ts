/**
 * Local mode: a process has the other end of its standard input in the run that started it. The kernel closes that end
 * when the run dies, however it dies and whatever else was killed with it.
 */
const EXIT_TIMEOUT_MS = 20_000

/** @param stop asks the work to end. @param exit called later, for work that does not end */
export function endWithRun(stop: () => void, exit: () => void): void {
  const onClosed = () => {
    process.stdin.off('end', onClosed).off('error', onClosed)
    stop()
    setTimeout(exit, EXIT_TIMEOUT_MS).unref()
  }
  process.stdin.on('end', onClosed).on('error', onClosed).resume()
  // It must not keep a process alive whose work is done.
  ;(process.stdin as typeof process.stdin & { unref(): void }).unref()
}
