/** Shows values from outside in messages: shortened, and without characters that a terminal would execute. */
import { printableText } from './printable.ts'

/** A whole pod template would make the message unreadable. */
const MAX_CHARACTERS = 120
const MAX_LIST = 20
const MAX_LEVELS = 6
/** Returns what is shown for a field of an object. */
type Redact = (key: string, field: unknown) => unknown

/** Shortened JSON; NaN and Infinity by their names. */
export function shownValue(value: unknown, redact: Redact = (_, field) => field): string {
  const text = printableText(jsonOf(value, MAX_LEVELS, redact))
    .replaceAll('\n', '\\n')
    .replaceAll('\t', '\\t')
  return text.length > MAX_CHARACTERS ? `${text.slice(0, MAX_CHARACTERS)}…` : text
}

/** Stops early instead of cutting the result: a value may have megabytes, and an object may contain itself. */
function jsonOf(value: unknown, levels: number, redact: Redact): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, MAX_CHARACTERS + 1))
  if (typeof value !== 'object' || value === null) return String(value)
  if (levels === 0) return '…'
  if (Array.isArray(value))
    return `[${value
      .slice(0, MAX_LIST)
      .map((one) => jsonOf(one, levels - 1, redact))
      .join(',')}${value.length > MAX_LIST ? ',…' : ''}]`
  const keys = Object.keys(value)
  const fields = keys.slice(0, MAX_LIST).map((key) => {
    const field = redact(key, (value as Record<string, unknown>)[key])
    return `${jsonOf(key, 1, redact)}:${jsonOf(field, levels - 1, redact)}`
  })
  return `{${fields.join(',')}${keys.length > MAX_LIST ? ',…' : ''}}`
}
