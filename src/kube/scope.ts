/** One abort signal for one piece of work, fed by other signals and by a timer. */
export interface Scope {
  readonly signal: AbortSignal
  /** (Re)starts the one timer; when it rings, the scope aborts with what `problem` returns. */
  within(ms: number, problem: () => Error): void
  /** Call it in `finally`: stops the timer and aborts whatever still hangs on the signal. */
  close(): void
}

/** One for all: making one, with its stack, costs more than the rest of a scope. */
const CLOSED = new DOMException('the work that this belonged to is over', 'AbortError')

/** Unlike AbortSignal.any it lets go of its sources when closed: the sources live as long as the process. */
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
