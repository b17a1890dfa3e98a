/** Lines of a YAML text: where parser events are, and errors that name the place. */
import type { Event } from 'js-yaml'
import { DownpourError } from './errors.ts'

/** @param line from 1 */
export function placedError(code: string, message: string, document: number, line: number) {
  return new DownpourError(code, `document ${document}, line ${line}: ${message}`, { document, line })
}

export function lineAt(text: string, position: number): number {
  return linesBefore(text, 0, position) + 1
}

/** The lines of many positions in one pass. @param positions ascending; -1 repeats the line of the one before */
export function linesAt(text: string, positions: readonly number[]): number[] {
  let line = 1
  let last = 0
  return positions.map((position) => {
    line += linesBefore(text, last, position)
    last = Math.max(last, position)
    return line
  })
}

function linesBefore(text: string, from: number, to: number): number {
  let lines = 0
  for (let at = text.indexOf('\n', from); at >= 0 && at < to; at = text.indexOf('\n', at + 1)) lines += 1
  return lines
}

/** @returns the position of the event's first character; undefined if the event has no text of its own */
export function startOf(event: Event): number | undefined {
  const places = [
    'start' in event ? event.start : -1,
    'anchorStart' in event ? event.anchorStart : -1,
    'tagStart' in event ? event.tagStart : -1,
    'valueStart' in event ? event.valueStart : -1,
  ].filter((place) => place >= 0)
  return places.length > 0 ? Math.min(...places) : undefined
}
