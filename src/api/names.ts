/** Names of objects, as the API server takes them. */
import { z } from 'zod'

const DNS_LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/
const DNS_SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/
/** Pod names add up to `-pj-worker-9999` to a job's name, and a label or host name holds 63 characters. */
export const MAX_JOB_NAME = 40

export function dnsLabel(maxLength: number) {
  return z
    .string()
    .max(maxLength)
    .regex(DNS_LABEL, "lower-case letters, digits and '-', beginning and ending with a letter or digit")
}

/** A job's service is named for it, and no Service begins with a digit. */
export const JOB_NAME_FORM =
  "lower-case letters, digits and '-', beginning with a letter and ending with a letter or digit"
export const jobName = z
  .string()
  .max(MAX_JOB_NAME)
  .regex(/^[a-z]([-a-z0-9]*[a-z0-9])?$/, JOB_NAME_FORM)

/** Of objects that are named elsewhere. */
export const dnsSubdomain = z
  .string()
  .max(253)
  .regex(DNS_SUBDOMAIN, "lower-case letters, digits, '-' and '.', beginning and ending with a letter or digit")
