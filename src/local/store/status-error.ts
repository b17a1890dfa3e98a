/** Errors with the messages of the real API server: a Status object whose reason clients switch on. */
import { DownpourError } from '../../support/errors.ts'
import { type Cause, notSupported } from './causes.ts'
import type { Resource } from './resources.ts'

export class StatusError extends DownpourError {
  readonly httpStatus: number
  readonly causes: readonly Cause[]
  readonly about: { name?: string; group?: string; kind?: string }

  constructor(
    httpStatus: number,
    reason: string,
    message: string,
    about: StatusError['about'] = {},
    causes: readonly Cause[] = [],
  ) {
    super(reason, message)
    this.httpStatus = httpStatus
    this.causes = causes
    this.about = about
  }

  toStatus(): Record<string, unknown> {
    const details = { ...this.about, ...(this.causes.length > 0 ? { causes: this.causes } : {}) }
    return {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: this.message,
      reason: this.code,
      details,
      code: this.httpStatus,
    }
  }
}

function qualified({ plural, group }: Resource): string {
  return group ? `${plural}.${group}` : plural
}

const about = (resource: Resource, name: string) => ({ name, group: resource.group, kind: resource.plural })

export const notFound = (resource: Resource, name: string) =>
  new StatusError(404, 'NotFound', `${qualified(resource)} "${name}" not found`, about(resource, name))

export const alreadyExists = (resource: Resource, name: string) =>
  new StatusError(409, 'AlreadyExists', `${qualified(resource)} "${name}" already exists`, about(resource, name))

export const conflict = (resource: Resource, name: string, why: string) =>
  new StatusError(
    409,
    'Conflict',
    `Operation cannot be fulfilled on ${qualified(resource)} "${name}": ${why}`,
    about(resource, name),
  )

export const badRequest = (message: string) => new StatusError(400, 'BadRequest', message)

export const unsupportedMedia = (accepted: readonly string[]) =>
  new StatusError(
    415,
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`,
  )

export const expired = (message: string) => new StatusError(410, 'Expired', message)

/** @param value formatted for the message */
export function unsupportedOption(field: string, value: string, supported: readonly string[]): StatusError {
  return ofOptions(notSupported(field, value, supported))
}

export function invalidOption(field: string, message: string): StatusError {
  return ofOptions({ reason: 'FieldValueForbidden', field, message })
}

function ofOptions(cause: Cause): StatusError {
  return new StatusError(422, 'Invalid', `the options are invalid: ${cause.field}: ${cause.message}`, {}, [cause])
}

export function invalid(resource: Resource, name: string, causes: readonly Cause[]): StatusError {
  const list = causes.map(({ field, message }) => `${field}: ${message}`)
  const text = list.length === 1 ? list[0] : `[${list.join(', ')}]`
  const kind = resource.group ? `${resource.kind}.${resource.group}` : resource.kind
  return new StatusError(
    422,
    'Invalid',
    `${kind} "${name}" is invalid: ${text}`,
    { ...about(resource, name), kind: resource.kind },
    causes,
  )
}
