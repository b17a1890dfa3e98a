// biome-ignore lint/suspicious/noControlCharactersInRegex: those are what must not reach a terminal
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g
/** Joiners are left out: emoji and some scripts need them. */
const UNSEEN = /[\u00ad\u200b\u200e\u200f\u2060-\u2065\ufeff]/g

/** Controls (C0 but line feed and tab, DEL, C1), marks that reorder or hide text, and halves of characters. */
const UNPRINTABLE = /(?![\n\t])[\p{Cc}\p{Cf}\u2028\u2029\p{Cs}]/gu

/** Names come from anybody's disk: a terminal must not obey what they hold, and a reader must see it. */
export function printable(name: string): string {
  return name.replace(CONTROLS, escaped).replace(UNSEEN, escaped)
}

/** Texts of several lines, with escapes such as `\u001b` for what a terminal would obey. */
export function printableText(text: string): string {
  return text.replace(UNPRINTABLE, escaped)
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
