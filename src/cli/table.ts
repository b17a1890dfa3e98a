/** Formats text tables for a terminal. Widths are in terminal columns: a Chinese character takes two. */
const WIDE =
  /\p{Script=Han}|\p{Script=Hangul}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Emoji_Presentation}|[\u3000-\u303f\uff01-\uff60\uffe0-\uffe6]/u
const WITHOUT_WIDTH = /[\p{Mn}\p{Me}\p{Cf}]/u
/** Minimum width of the first column, which names the row. */
const MIN_NAME = 10

export type Row = readonly string[]

export function textWidth(text: string): number {
  return Array.from(text).reduce((sum, character) => sum + characterWidth(character), 0)
}

function characterWidth(character: string): number {
  if (character <= '~') return 1
  return WITHOUT_WIDTH.test(character) ? 0 : WIDE.test(character) ? 2 : 1
}

/** Cuts a text to `width`; a cut text ends with an ellipsis. */
export function cutText(text: string, width: number): string {
  if (textWidth(text) <= width) return text
  let kept = ''
  let remaining = width - 1
  for (const character of text) {
    remaining -= characterWidth(character)
    if (remaining < 0) break
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
  /** Headers of the columns that may be left out, in this order. */
  optional: readonly string[]
  /** The last column may be cut to this width before an optional column is left out. Absent: it is cut last. */
  minLastWidth?: number
}

/**
 * Formats rows as lines of at most `width`: leaves out optional columns, then shortens the first column, then cuts lines.
 * @param rows the first is the header. @returns the lines and the headers of the columns that were left out
 */
export function fitTable(
  rows: readonly Row[],
  { width, optional, minLastWidth }: Fitting,
): { lines: string[]; left: string[] } {
  const left: string[] = []
  const heads = rows[0] ?? []
  const kept = () => rows.map((row) => row.filter((_, i) => !left.includes(heads[i] ?? '')))
  for (const next of optional) {
    if (neededWidth(kept(), minLastWidth) <= width) break
    if (heads.includes(next)) left.push(next)
  }
  const excess = Math.max(0, neededWidth(kept(), minLastWidth) - width)
  const nameWidth = Math.max(MIN_NAME, (widthsOf(rows)[0] ?? 0) - excess)
  const named = excess === 0 ? kept() : kept().map((row) => row.with(0, cutMiddle(row[0] ?? '', nameWidth)))
  return { lines: table(named).map((line) => cutText(line, width)), left }
}

function neededWidth(rows: readonly Row[], minLastWidth = Number.POSITIVE_INFINITY): number {
  const widths = widthsOf(rows)
  const last = Math.min(widths.at(-1) ?? 0, minLastWidth)
  return widths.slice(0, -1).reduce((sum, width) => sum + width + 2, last)
}

/** Names of jobs usually differ at their beginning or end, so the middle is left out. */
function cutMiddle(text: string, width: number): string {
  if (textWidth(text) <= width) return text
  const characters = Array.from(text)
  const head = Math.ceil((width - 1) / 2)
  return `${characters.slice(0, head).join('')}…${characters.slice(characters.length - (width - 1 - head)).join('')}`
}

/** Wraps a text at spaces; a word longer than a line is broken. */
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
