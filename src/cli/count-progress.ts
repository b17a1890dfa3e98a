/** Prints how many of a number of items are done: one line redrawn on a terminal, a line every 10% into a pipe. */
export interface CountProgress {
  show(done: number, total: number): void
  /** Moves the cursor to a new line. */
  end(): void
}

const REDRAW_MS = 100
const PIPED_PARTS = 10

export function countProgress(out: { write(text: string): unknown; isTTY?: boolean }, what: string): CountProgress {
  return out.isTTY ? redrawn(out, what) : appended(out, what)
}

function redrawn(out: { write(text: string): unknown }, what: string): CountProgress {
  let shownMs = Number.NEGATIVE_INFINITY
  let drawn = false
  return {
    show(done, total) {
      if (performance.now() - shownMs < REDRAW_MS && done < total) return
      shownMs = performance.now()
      drawn = true
      out.write(`\r\u001b[K${lineOf(done, total, what)}`)
    },
    end() {
      if (drawn) out.write('\n')
    },
  }
}

function appended(out: { write(text: string): unknown }, what: string): CountProgress {
  let part = 0
  return {
    show(done, total) {
      const now = Math.floor((done / total) * PIPED_PARTS)
      if (now === part) return
      part = now
      out.write(`${lineOf(done, total, what)}\n`)
    },
    end() {},
  }
}

function lineOf(done: number, total: number, what: string): string {
  return `${done} of ${total} ${what} (${Math.floor((100 * done) / total)}%)`
}
