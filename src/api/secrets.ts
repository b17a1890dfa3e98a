/**
 * Hides values of environment variables, which may be keys and passwords: reports and messages show only their names, even
 * where the variables are in the wrong place or form.
 */

import { LAST_APPLIED } from '../contract/names.ts'
import { isFields } from '../support/fields.ts'
import { shownValue } from '../support/shown.ts'

const NOT_SHOWN = '(not shown)'
/** `env` and likely misspellings: `envs`, `envVars`, `environment`. */
const ENVIRONMENT = /^env/i
/** Maps with arbitrary keys, whose values are not secret. */
const MAPS = new Set(['labels', 'annotations', 'matchLabels', 'nodeSelector'])
/** Fields of a variable. */
const SHOWN = new Set(['name', 'valueFrom'])
/** `false` */
const LONGEST_FLAG = 5

/** A copy of a job, or of a part of one, without secret values. */
export function withoutSecrets<T>(value: T): T
export function withoutSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((one) => withoutSecrets(one))
  if (!isFields(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, field]) => [
      key,
      MAPS.has(key) ? ofMap(field) : withoutSecrets(tellable(key, field)),
    ]),
  )
}

/** The value of an issue for its message. @param path `spec.workers.template.env[0].value` */
export function shownAt(path: string, value: unknown): string {
  const keys = path.replaceAll(/\[\d+\]/g, '').split('.')
  const at = keys.findIndex((key) => ENVIRONMENT.test(key))
  const inside = keys[at + 1]
  if (at < 0 || keys.slice(0, at).some((key) => MAPS.has(key))) return shownValue(value, tellable)
  if (inside === undefined) return shownValue(namesOnly(value))
  return SHOWN.has(inside) || isNoKey(value) ? shownValue(value) : NOT_SHOWN
}

/** Numbers and booleans are shown, because they are mistakes that the author must see, and too short to be secret. */
function isNoKey(value: unknown): boolean {
  return ['number', 'boolean'].includes(typeof value) && String(value).length <= LONGEST_FLAG
}

function tellable(key: string, field: unknown): unknown {
  if (key === LAST_APPLIED) return NOT_SHOWN
  return ENVIRONMENT.test(key) ? namesOnly(field) : field
}

function ofMap(map: unknown): unknown {
  return isFields(map) && Object.hasOwn(map, LAST_APPLIED) ? { ...map, [LAST_APPLIED]: NOT_SHOWN } : map
}

/** For variables in a list or, mistakenly, in a map. */
function namesOnly(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(namesOnly)
  if (!isFields(value)) return NOT_SHOWN
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, SHOWN.has(key) ? field : NOT_SHOWN]))
}
