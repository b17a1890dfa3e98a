/** Causes of a 422 answer: one for each invalid field, with the reasons of the real API server. */
export interface Cause {
  reason: string
  message: string
  field: string
}

/** @param value formatted for the message */
export function invalidValue(field: string, value: string, message: string): Cause {
  return { reason: 'FieldValueInvalid', field, message: `Invalid value: ${value}: ${message}` }
}

export function requiredField(field: string, what = ''): Cause {
  return { reason: 'FieldValueRequired', field, message: `Required value${what && `: ${what}`}` }
}

/** @param value formatted for the message */
export function notSupported(field: string, value: string, supported: readonly string[]): Cause {
  const message = `Unsupported value: ${value}: supported values: ${supported.map((one) => `"${one}"`).join(', ')}`
  return { reason: 'FieldValueNotSupported', field, message }
}
