/** Names of objects that the API server accepts. */
import { z } from 'zod'

const DNS_LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/
export const DNS_SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/
/** Names of pods append up to `-pj-worker-9999` to a job's name, and labels and host names have at most 63 characters. */
export const MAX_JOB_NAME = 40

export function dnsLabel(maxLength: number) {
  return z
    .string()
    .max(maxLength)
    .regex(DNS_LABEL, "lower-case letters, digits and '-', beginning and ending with a letter or digit")
}

/** The name of a job's Service begins with the job's name, and may not begin with a digit. */
export const JOB_NAME_FORM =
  "lower-case letters, digits and '-', beginning with a letter and ending with a letter or digit"
export const jobName = z
  .string()
  .max(MAX_JOB_NAME)
  .regex(/^[a-z]([-a-z0-9]*[a-z0-9])?$/, JOB_NAME_FORM)

/** Names of other objects. */
export const dnsSubdomain = z
  .string()
  .max(253)
  .regex(DNS_SUBDOMAIN, "lower-case letters, digits, '-' and '.', beginning and ending with a letter or digit")
