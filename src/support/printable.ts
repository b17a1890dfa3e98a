// biome-ignore lint/suspicious/noControlCharactersInRegex: those are what must not reach a terminal
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g
/** Joiners are left out: emoji and some scripts need them. */
const UNSEEN = /[\u00ad\u200b\u200e\u200f\u2060-\u2065\ufeff]/g

/** Names come from anybody's disk: a terminal must not obey what they hold, and a reader must see it. */
export function printable(name: string): string {
  return name.replace(CONTROLS, written).replace(UNSEEN, written)
}

function written(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
