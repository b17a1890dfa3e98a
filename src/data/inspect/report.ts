/** A report on a data set as lines for people. */
import { hierarchyDepth } from '../hierarchy.ts'
import type { LabelMap } from '../labels.ts'
import type { DataReport } from './inspect.ts'

const SHOWN = 10
const BAR = 30

export function reportLines(report: DataReport): string[] {
  const { folder, format, files, records, problems, labels, counts, samples } = report
  const wrong = counts.wrongShare
  return [
    `${folder}: ${format}, ${files} files, ${records} records, ${problems.length} damaged`,
    ...shown(problems, 'damaged'),
    `labels: ${labels.size} in a hierarchy of depth ${hierarchyDepth(labels.labels)}, ${counts.mean.toFixed(2)} an image`,
    ...(wrong === undefined
      ? []
      : [`wrong labels: ${(100 * wrong).toFixed(1)}% of those stored (the records say what they show)`]),
    ...histogram(report),
    ...(samples === null ? [] : [`pictures: ${samples}`]),
  ]
}

/** The most and the least frequent labels, and those never seen. */
function histogram({ counts, labels }: DataReport): string[] {
  const ranked = counts.ranked()
  const most = ranked[0]?.count ?? 1
  const line = ({ id, count }: { id: number; count: number }) =>
    `  ${String(count).padStart(8)}  ${'#'.repeat(Math.ceil((BAR * count) / most)).padEnd(BAR)}  ${nameOf(labels, id)}`
  const tail = ranked.slice(Math.max(SHOWN, ranked.length - SHOWN))
  const never = counts.neverSeen().map((id) => nameOf(labels, id))
  return [
    'most frequent:',
    ...ranked.slice(0, SHOWN).map(line),
    ...(tail.length > 0 ? ['least frequent:', ...tail.map(line)] : []),
    `never seen: ${never.length} labels`,
    ...shown(never, 'never seen'),
  ]
}

function shown(items: readonly string[], what: string): string[] {
  const rest = items.length - SHOWN
  return [...items.slice(0, SHOWN).map((item) => `  ${item}`), ...(rest > 0 ? [`  and ${rest} more ${what}`] : [])]
}

function nameOf({ labels }: LabelMap, id: number): string {
  return `${labels[id]?.name ?? ''} (${id})`
}
