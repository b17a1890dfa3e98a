/** One abort signal for one operation; it fires on other signals or a timer. */
export interface Scope {
  readonly signal: AbortSignal
  /** (Re)starts the timer; when it fires, the scope aborts with the error of `problem`. */
  within(ms: number, problem: () => Error): void
  /** Call it in `finally`: stops the timer and aborts whatever still waits for the signal. */
  close(): void
}

/** Shared, because creating an error with its stack costs more than the rest of a scope. */
const CLOSED = new DOMException('the operation has ended', 'AbortError')

/** Unlike AbortSignal.any, it removes its listeners when closed: the sources live as long as the process. */
export function openScope(signals: readonly (AbortSignal | undefined)[]): Scope {
  const controller = new AbortController()
  const release = signals.map((source) => follow(source, controller))
  let timer: NodeJS.Timeout | undefined
  return {
    signal: controller.signal,
    within(ms, problem) {
      clearTimeout(timer)
      timer = setTimeout(() => controller.abort(problem()), ms)
    },
    close() {
      clearTimeout(timer)
      for (const unfollow of release) unfollow()
      controller.abort(CLOSED)
    },
  }
}

function follow(source: AbortSignal | undefined, controller: AbortController): () => void {
  const abort = () => controller.abort(source?.reason)
  if (source?.aborted) abort()
  else source?.addEventListener('abort', abort, { once: true })
  return () => source?.removeEventListener('abort', abort)
}
