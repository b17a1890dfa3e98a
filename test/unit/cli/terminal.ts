/** A fake terminal with what the views use: wrapped lines, a cursor, and the sequences that move it and erase. */
export class Terminal {
  readonly isTTY: boolean = true
  columns: number
  rows: number
  #lines: string[] = ['']
  #row = 0
  #column = 0

  constructor({ columns = 120, rows = 24 } = {}) {
    this.columns = columns
    this.rows = rows
  }

  /** All lines, including those scrolled out of the window. */
  get screen(): string[] {
    const lines = this.#lines.map((line) => line.trimEnd())
    return lines.slice(0, lines.findLastIndex((line) => line !== '') + 1)
  }

  get cursor(): { row: number; column: number } {
    return { row: this.#row, column: this.#column }
  }

  write(text: string): boolean {
    for (const [part, count, command] of text.matchAll(/\p{Cc}\[(\d*)([AJK])|[\s\S]/gu)) {
      if (command === 'A') this.#row = Math.max(this.#lines.length - this.rows, 0, this.#row - Number(count || 1))
      else if (command === 'J') this.#erase(true)
      else if (command === 'K') this.#erase(false)
      else if (part === '\n') this.#down()
      else if (part === '\r') this.#column = 0
      else this.#put(part)
    }
    return true
  }

  /** Changes the width and wraps existing lines again, as terminals do. */
  resize(columns: number): void {
    this.columns = columns
    this.#lines = this.#lines.flatMap((line) => line.trimEnd().match(new RegExp(`.{1,${columns}}`, 'g')) ?? [''])
    this.#row = this.#lines.length - 1
  }

  #put(character: string): void {
    if (this.#column === this.columns) this.#down()
    const line = this.#lines[this.#row] ?? ''
    this.#lines[this.#row] = line.slice(0, this.#column).padEnd(this.#column) + character + line.slice(this.#column + 1)
    this.#column++
  }

  #down(): void {
    this.#row++
    this.#column = 0
    if (this.#row === this.#lines.length) this.#lines.push('')
  }

  #erase(below: boolean): void {
    this.#lines[this.#row] = (this.#lines[this.#row] ?? '').slice(0, this.#column)
    if (below) this.#lines.length = this.#row + 1
  }
}
