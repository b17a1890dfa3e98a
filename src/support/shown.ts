/** Values and texts of others as a message shows them: short, and without characters that a terminal obeys. */

/** A whole template would drown the sentence. */
const MAX_CHARACTERS = 120
const MAX_LIST = 20
const MAX_LEVELS = 6
/** Controls (C0 but line feed and tab, DEL, C1), marks that reorder or hide text, and halves of characters. */
const UNPRINTABLE = /(?![\n\t])[\p{Cc}\p{Cf}\u2028\u2029\p{Cs}]/gu

/** What is shown for the field of an object. */
type Redact = (key: string, field: unknown) => unknown

/** JSON, as far as a person reads it; numbers that JSON cannot hold by their names. */
export function shownValue(value: unknown, redact: Redact = (_, field) => field): string {
  const text = printable(jsonOf(value, MAX_LEVELS, redact))
    .replaceAll('\n', '\\n')
    .replaceAll('\t', '\\t')
  return text.length > MAX_CHARACTERS ? `${text.slice(0, MAX_CHARACTERS)}…` : text
}

/** With escapes such as `\u001b` for what a terminal would obey. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** No longer than it must be to be cut: a value may be of megabytes, and an object may hold itself. */
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
