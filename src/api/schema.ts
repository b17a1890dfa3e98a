/** The structural schema of a CRD, and the CEL rules in it. */
export interface Schema {
  type?: string
  format?: string
  pattern?: string
  description?: string
  minimum?: number
  maximum?: number
  enum?: unknown[]
  required?: string[]
  default?: unknown
  maxProperties?: number
  properties?: Record<string, Schema>
  additionalProperties?: Schema | boolean
  items?: Schema
  anyOf?: Schema[]
  oneOf?: Schema[]
  /** Of a union: its variant where the discriminator is absent. Ours, and in no CRD. */
  defaultType?: string
  [extension: `x-kubernetes-${string}`]: unknown
}

export interface Validation {
  rule: string
  message: string
  /** Where the message points, from the place of the rule: `.input.cropPixels`. */
  fieldPath?: string
}
