/** Patterns of file names: `*` is any text, `?` is one character. In time that does not explode, whatever the pattern. */
export function matchesPattern(name: string, pattern: string): boolean {
  const text = [...name]
  const wanted = [...pattern]
  let at = 0
  /** Where the last `*` stands, and how much of the text it has taken. */
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
