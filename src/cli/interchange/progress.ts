import { type CountProgress, countProgress } from '../count-progress.ts'

/** Progress on a terminal alone: a pipe needs none for work of seconds. */
export function terminalProgress(out: { write(text: string): unknown; isTTY?: boolean }, what: string): CountProgress {
  return out.isTTY ? countProgress(out, what) : { show() {}, end() {} }
}
