// biome-ignore lint/suspicious/noControlCharactersInRegex: these characters must not reach a terminal
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g
/** Invisible characters. Joiners are not among them, because emoji and some scripts need them. */
const UNSEEN = /[\u00ad\u200b\u200e\u200f\u2060-\u2065\ufeff]/g

/** Control characters but line feed and tab, marks that reorder or hide text, and lone surrogates. */
const UNPRINTABLE = /(?![\n\t])[\p{Cc}\p{Cf}\u2028\u2029\p{Cs}]/gu

/** Escapes characters of a file's name that a terminal would execute, or that a reader would not see. */
export function printable(name: string): string {
  return name.replace(CONTROLS, escaped).replace(UNSEEN, escaped)
}

/** Escapes (`\u001b`) characters that a terminal would execute, in a text that may have several lines. */
export function printableText(text: string): string {
  return text.replace(UNPRINTABLE, escaped)
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
