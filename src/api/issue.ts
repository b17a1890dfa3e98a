export interface Issue {
  /** @example spec.workers.replicas */
  path: string
  /** Undefined when the field is missing. */
  value: unknown
  expected: string
  message: string
}
