/** Each error that a user can see carries a stable code to switch on, its facts as `details`, and its cause. */
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

/** The code of any thrown value: ours, Node's (`ENOSPC`), or `UNKNOWN`. */
export function errorCode(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' ? code : 'UNKNOWN'
}

export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** `CODE: message`. Node's messages already begin with the code (`ENOSPC: …`, `connect ECONNREFUSED …`): those stay as they are. */
export function withCode(code: string, message: string): string {
  const beginning = message.split(/[\s:]/, 2)
  return beginning.includes(code) ? message : `${code}: ${message}`
}

/** The message without its code, for output that shows the code in another column. */
export function withoutCode(code: string, message: string): string {
  const prefix = `${code}: `
  return message.startsWith(prefix) ? message.slice(prefix.length) : message
}

/** Code and message of any thrown value, each once. */
export function errorText(error: unknown): string {
  return withCode(errorCode(error), errorMessage(error))
}

/** Ends a switch over a discriminated union: a new member becomes a type error here. */
export function assertNever(value: never): never {
  throw new DownpourError('BUG_UNREACHABLE', `unexpected value: ${JSON.stringify(value)}`)
}
