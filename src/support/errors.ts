/** Every error a user can meet has a stable code to switch on, facts beside it, and keeps its cause. */
export class DownpourError extends Error {
  readonly code: string
  readonly details: Readonly<Record<string, unknown>>

  constructor(code: string, message: string, details: Record<string, unknown> = {}, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'DownpourError'
    this.code = code
    this.details = details
  }
}

/** The code of any thrown thing: ours, Node's (`ENOSPC`), or `UNKNOWN`. */
export function errorCode(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' ? code : 'UNKNOWN'
}

export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** `CODE: message`, the code once: messages of Node begin with it (`ENOSPC: …`, `connect ECONNREFUSED …`). */
export function withCode(code: string, message: string): string {
  const beginning = message.split(/[\s:]/, 2)
  return beginning.includes(code) ? message : `${code}: ${message}`
}

/** The message for a place that shows the code itself. */
export function withoutCode(code: string, message: string): string {
  const prefix = `${code}: `
  return message.startsWith(prefix) ? message.slice(prefix.length) : message
}

/** Code and message of any thrown thing, each once. */
export function errorText(error: unknown): string {
  return withCode(errorCode(error), errorMessage(error))
}

/** Ends a switch over a discriminated union: a new member becomes a type error here. */
export function assertNever(value: never): never {
  throw new DownpourError('BUG_UNREACHABLE', `unexpected value: ${JSON.stringify(value)}`)
}
