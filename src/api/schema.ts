/** The structural schema of a CRD, and the CEL rules in it. */
export interface Schema {
  type?: string
  format?: string
  pattern?: string
  description?: string
  minimum?: number
  maximum?: number
  /** Whether the minimum itself is refused. */
  exclusiveMinimum?: boolean
  exclusiveMaximum?: boolean
  enum?: unknown[]
  required?: string[]
  default?: unknown
  maxProperties?: number
  properties?: Record<string, Schema>
  additionalProperties?: Schema | boolean
  items?: Schema
  anyOf?: Schema[]
  oneOf?: Schema[]
  /** Variant of a union without a discriminator. Internal; CRDs do not contain it. */
  defaultType?: string
  [extension: `x-kubernetes-${string}`]: unknown
}

export interface Validation {
  rule: string
  message: string
  /** The field of the message, relative to the rule: `.input.cropPixels`. */
  fieldPath?: string
}
