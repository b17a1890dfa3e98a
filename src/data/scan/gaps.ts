/** Shards whose names have no total, `x-000000.tar` to `x-001234.tar`: only gaps show that some are missing. */

/** Later gaps are not listed: two names could be a thousand million numbers apart. */
const MOST = 1000

/** @returns names of shards that are missing between two others of a series, at most 1000 */
export function missingNumbers(names: readonly string[]): string[] {
  const series = Map.groupBy(names.flatMap(numbered), ({ start, end }) => `${start}*${end}`)
  return [...series.values()].flatMap(gapsOf).slice(0, MOST)
}

interface Numbered {
  start: string
  digits: string
  end: string
}

/** The last number of the name, before its ending. */
function numbered(name: string): Numbered[] {
  const groups = /^(?<start>.*?)(?<digits>\d{1,9})(?<end>\D*)$/.exec(name)?.groups
  return groups ? [{ start: groups.start ?? '', digits: groups.digits ?? '', end: groups.end ?? '' }] : []
}

function gapsOf(members: readonly Numbered[]): string[] {
  const sorted = [...members].sort((a, b) => Number(a.digits) - Number(b.digits))
  const gaps: string[] = []
  sorted.slice(1).forEach(({ start, digits, end }, i) => {
    const before = Number(sorted[i]?.digits)
    for (let number = before + 1; number < Number(digits) && gaps.length < MOST; number++)
      gaps.push(`${start}${String(number).padStart(digits.length, '0')}${end}`)
  })
  return gaps
}
