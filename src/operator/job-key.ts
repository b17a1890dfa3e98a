/** The key of a job in the work queue and in indexes: kind, namespace and name. */
import type { JobKind } from '../contract/names.ts'

/** @example jobKey('PretrainJob', 'team/jft') === 'PretrainJob/team/jft' */
export function jobKey(kind: JobKind, objectKey: string): string {
  return `${kind}/${objectKey}`
}

export function parseJobKey(key: string): { kind: JobKind; objectKey: string } {
  const slash = key.indexOf('/')
  return { kind: key.slice(0, slash) as JobKind, objectKey: key.slice(slash + 1) }
}
