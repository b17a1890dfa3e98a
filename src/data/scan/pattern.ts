/**
 * Matches file names: `*` is any text, `?` is one character. Quadratic time at most; a RegExp could take exponential
 * time.
 */
export function matchesPattern(name: string, pattern: string): boolean {
  const text = [...name]
  const wanted = [...pattern]
  let at = 0
  /** The position of the last `*`, and the end of the text that it covers. */
  let star = -1
  let taken = 0
  let next = 0
  while (at < text.length) {
    if (wanted[next] === '*') {
      star = next++
      taken = at
    } else if (next < wanted.length && (wanted[next] === '?' || wanted[next] === text[at])) {
      at++
      next++
    } else if (star >= 0) {
      next = star + 1
      at = ++taken
    } else return false
  }
  return wanted.slice(next).every((character) => character === '*')
}
