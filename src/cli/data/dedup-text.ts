/** What `data dedup` prints of its result. */
import type { DedupReport } from '../../dedup/dedup.ts'
import { table } from '../table.ts'

export interface TextFlags {
  /** The list. */
  readonly out: string
}

const SHOWN_DUPLICATES = 10

export function jsonOf({ duplicates, ...report }: DedupReport, { out }: TextFlags) {
  return { ...report, duplicates: duplicates.length, byMethod: byMethod(duplicates), out }
}

function byMethod(duplicates: DedupReport['duplicates']): Record<string, number> {
  const groups = Map.groupBy(duplicates, ({ method }) => method)
  return Object.fromEntries([...groups].map(([method, found]) => [method, found.length]))
}

export function linesOf(
  { test, training, duplicates, continuedAfter, picturesPerSecond }: DedupReport,
  flags: TextFlags,
) {
  const shown = duplicates.slice(0, SHOWN_DUPLICATES)
  const rest = duplicates.length - shown.length
  return [
    ...(continuedAfter > 0 ? [`continued an interrupted search after ${continuedAfter} training parts`] : []),
    `${test.pictures} test pictures${damageText(test.damaged)}`,
    ...Object.entries(test.skipped)
      .filter(([, count]) => count > 0)
      .map(([method, count]) => `${count} of them have too little contrast for the ${method} method`),
    `${training.pictures} training pictures${damageText(training.damaged)}, ${Math.round(picturesPerSecond)} a second`,
    `${duplicates.length} test pictures have a copy in the training data; the list is ${flags.out}`,
    ...table(shown.map((one) => [`  ${one.test}`, one.training, one.method, one.distance.toFixed(4)])),
    ...(rest > 0 ? [`  and ${rest} more`] : []),
  ]
}

function damageText(damaged: number): string {
  return damaged > 0 ? `, ${damaged} damaged` : ''
}
