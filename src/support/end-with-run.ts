/**
 * Local mode: the run that starts a process holds the other end of its standard input. The kernel closes that end when
 * the run dies, even by SIGKILL, so a process that watches its standard input never outlives its run.
 */
const EXIT_TIMEOUT_MS = 20_000

/** @param stop asks the work to end. @param exit called after EXIT_TIMEOUT_MS, for work that does not end */
export function endWithRun(stop: () => void, exit: () => void): void {
  const onClosed = () => {
    process.stdin.off('end', onClosed).off('error', onClosed)
    stop()
    setTimeout(exit, EXIT_TIMEOUT_MS).unref()
  }
  process.stdin.on('end', onClosed).on('error', onClosed).resume()
  // Without unref, standard input would keep a process alive whose work is done.
  ;(process.stdin as typeof process.stdin & { unref(): void }).unref()
}
