/**
 * Hides values of environment variables, which may be keys and passwords: reports and messages show only their names, even
 * where the variables are in the wrong place or form.
 */

import { LAST_APPLIED } from '../contract/names.ts'
import { isFields } from '../support/fields.ts'
import { shownValue } from '../support/shown.ts'

const NOT_SHOWN = '(not shown)'
/** `env` and likely misspellings (`envs`, `envVars`, `environment`), and `envFrom`. */
const ENVIRONMENT = /^env/i
/** Maps whose keys the author chooses: a key `env…` in them is no environment. Only LAST_APPLIED in them may be secret. */
const MAPS = new Set(['labels', 'annotations', 'matchLabels', 'nodeSelector'])
/** The fields of a variable that hold no secret. */
const SHOWN_FIELDS = new Set(['name', 'valueFrom'])
/** The length of `false`. A longer number may be a secret. */
const MAX_SHOWN_CHARACTERS = 5

/** A copy of a job, or of a part of one, without secret values. */
export function withoutSecrets<T>(value: T): T
export function withoutSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((one) => withoutSecrets(one))
  if (!isFields(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, field]) => [
      key,
      MAPS.has(key) ? redactMap(field) : withoutSecrets(redactField(key, field)),
    ]),
  )
}

/** Formats the value at `path` for a validation message. @param path `spec.workers.template.env[0].value` */
export function shownAt(path: string, value: unknown): string {
  const steps = path.split('.')
  const at = steps.findIndex((step) => ENVIRONMENT.test(step))
  if (at < 0 || steps.slice(0, at).some((step) => MAPS.has(step))) return shownValue(value, redactField)
  const isVariable = steps[at]?.endsWith(']')
  const field = steps[at + 1]
  if (field === undefined) return shownValue(isVariable ? redactVariable(value) : redactVariables(value))
  return (isVariable && SHOWN_FIELDS.has(field)) || isTooShortForSecret(value) ? shownValue(value) : NOT_SHOWN
}

/** Shows booleans and short numbers: the author must see that they are no strings, and they are too short to be secret. */
function isTooShortForSecret(value: unknown): boolean {
  return ['number', 'boolean'].includes(typeof value) && String(value).length <= MAX_SHOWN_CHARACTERS
}

function redactField(key: string, field: unknown): unknown {
  if (key === LAST_APPLIED) return NOT_SHOWN
  return ENVIRONMENT.test(key) ? redactVariables(field) : field
}

function redactMap(map: unknown): unknown {
  return isFields(map) && Object.hasOwn(map, LAST_APPLIED) ? { ...map, [LAST_APPLIED]: NOT_SHOWN } : map
}

/** Of a map, which is a mistake, only the keys are shown: a variable in it may be called `name`. */
function redactVariables(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(redactVariable)
  if (!isFields(value)) return NOT_SHOWN
  return Object.fromEntries(Object.keys(value).map((key) => [key, NOT_SHOWN]))
}

function redactVariable(value: unknown): unknown {
  if (!isFields(value)) return NOT_SHOWN
  return Object.fromEntries(
    Object.entries(value).map(([key, field]) => [key, SHOWN_FIELDS.has(key) ? field : NOT_SHOWN]),
  )
}
