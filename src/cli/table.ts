/** Tables of text that fit where they are shown. Widths are those of a terminal: a Chinese character takes two places. */
const WIDE =
  /\p{Script=Han}|\p{Script=Hangul}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Emoji_Presentation}|[\u3000-\u303f\uff01-\uff60\uffe0-\uffe6]/u
const WITHOUT_WIDTH = /[\p{Mn}\p{Me}\p{Cf}]/u
/** So much of the first column, which names the row, stays on the narrowest terminal. */
const MIN_NAME = 10

export type Row = readonly string[]

export function textWidth(text: string): number {
  return Array.from(text).reduce((sum, character) => sum + characterWidth(character), 0)
}

function characterWidth(character: string): number {
  if (character <= '~') return 1
  return WITHOUT_WIDTH.test(character) ? 0 : WIDE.test(character) ? 2 : 1
}

/** The beginning of a text, with an ellipsis where something is left out. */
export function cutText(text: string, width: number): string {
  if (textWidth(text) <= width) return text
  let kept = ''
  let room = width - 1
  for (const character of text) {
    room -= characterWidth(character)
    if (room < 0) break
    kept += character
  }
  return `${kept}…`
}

export function table(rows: readonly Row[]): string[] {
  const widths = widthsOf(rows)
  return rows.map((row) =>
    row
      .map((cell, i) => `${cell}${' '.repeat((widths[i] ?? 0) - textWidth(cell))}`)
      .join('  ')
      .trimEnd(),
  )
}

function widthsOf(rows: readonly Row[]): number[] {
  return (rows[0] ?? []).map((_, column) => rows.reduce((most, row) => Math.max(most, textWidth(row[column] ?? '')), 0))
}

export interface Fitting {
  width: number
  /** Heads of the columns that may go, the first first. */
  expendable: readonly string[]
  /** So much of the last column is worth more than another column; the rest of it is cut. Absent: all of it. */
  lastRoom?: number
}

/** The rows as lines of at most `width`: expendable columns go first, then names are shortened. The first row is the head. */
export function fitTable(
  rows: readonly Row[],
  { width, expendable, lastRoom }: Fitting,
): { lines: string[]; left: string[] } {
  const left: string[] = []
  const heads = rows[0] ?? []
  const kept = () => rows.map((row) => row.filter((_, i) => !left.includes(heads[i] ?? '')))
  for (const next of expendable) {
    if (neededWidth(kept(), lastRoom) <= width) break
    if (heads.includes(next)) left.push(next)
  }
  const excess = Math.max(0, neededWidth(kept(), lastRoom) - width)
  const nameWidth = Math.max(MIN_NAME, (widthsOf(rows)[0] ?? 0) - excess)
  const named = excess === 0 ? kept() : kept().map((row) => row.with(0, cutMiddle(row[0] ?? '', nameWidth)))
  return { lines: table(named).map((line) => cutText(line, width)), left }
}

function neededWidth(rows: readonly Row[], lastRoom = Number.POSITIVE_INFINITY): number {
  const widths = widthsOf(rows)
  const last = Math.min(widths.at(-1) ?? 0, lastRoom)
  return widths.slice(0, -1).reduce((sum, width) => sum + width + 2, last)
}

/** Names of jobs differ at either end. */
function cutMiddle(text: string, width: number): string {
  if (textWidth(text) <= width) return text
  const characters = Array.from(text)
  const head = Math.ceil((width - 1) / 2)
  return `${characters.slice(0, head).join('')}…${characters.slice(characters.length - (width - 1 - head)).join('')}`
}

/** Words over as many lines as they need; a word longer than a line is broken. */
export function wrapText(text: string, width: number): string[] {
  const lines: string[] = ['']
  for (const word of text.split(' ').flatMap((one) => piecesOf(one, width))) {
    const line = lines.at(-1) as string
    const joined = line === '' ? word : `${line} ${word}`
    if (textWidth(joined) <= width) lines[lines.length - 1] = joined
    else lines.push(word)
  }
  return lines
}

function piecesOf(word: string, width: number): string[] {
  const pieces: string[] = ['']
  for (const character of word) {
    const piece = pieces.at(-1) as string
    if (textWidth(piece) + characterWidth(character) <= width) pieces[pieces.length - 1] = piece + character
    else pieces.push(character)
  }
  return pieces
}
