/** Formats reports as text lines and as JSON. */

import { counted } from '../../support/counted.ts'
import { printable } from '../../support/printable.ts'
import { hierarchyDepth } from '../hierarchy.ts'
import type { LabelMap } from '../labels.ts'
import { passedOverText } from '../scan/kinds.ts'
import { classDifferences } from './differences.ts'
import { type DataReport, type Refusal, verdictOf } from './inspect.ts'
import type { Contents } from './inspectors.ts'
import type { LabelCount } from './label-count.ts'
import { maskJson, maskLines, objectJson, objectLines } from './object-report.ts'

const SHOWN = 10
const BAR = 30

export function reportLines(report: DataReport): string[] {
  const { format, files, records, problems, samples } = report
  return [
    `${placeOf(report)}: ${format}, ${counted(files, 'file')}, ${counted(records, 'record')}, ${problems.length} damaged`,
    ...shown(problems, 'damaged'),
    ...passedOverLines(report),
    ...contentsLines(report),
    ...(samples === undefined ? [] : [`pictures: ${samples}`]),
  ]
}

function contentsLines({ contents, labels }: DataReport): string[] {
  if (contents.annotates === 'objects') return objectLines(contents.counts, labels)
  if (contents.annotates === 'masks') return maskLines(contents.counts, labels)
  return labelLines(contents.counts, labels)
}

function placeOf({ folder, part }: Pick<DataReport, 'folder' | 'part'>): string {
  return part === undefined ? folder : `${folder}: ${part}`
}

function labelLines(counts: LabelCount, labels: LabelMap): string[] {
  const wrong = counts.wrongShare
  return [
    `labels: ${labels.size} in a hierarchy of depth ${hierarchyDepth(labels.labels)}, ${counts.mean.toFixed(2)} per image`,
    ...(wrong === undefined
      ? []
      : [`wrong labels: ${(100 * wrong).toFixed(1)}% of those stored (the records have the right ones)`]),
    ...histogram(counts, labels),
  ]
}

export function refusalLines({ error, ...set }: Refusal): string[] {
  return [`${placeOf(set)}: refused: ${error.code}: ${error.message}`]
}

/** The document that `--json` prints, in which unknown values are absent; docs/data.md lists its fields. */
export function reportJson(reports: readonly (DataReport | Refusal)[]): object {
  const differences = differencesOf(reports)
  return {
    verdict: verdictOf(reports, differences),
    differences,
    dataSets: reports.map((one) => (isRefusal(one) ? refusalJson(one) : setJson(one))),
  }
}

export function differencesOf(reports: readonly (DataReport | Refusal)[]): string[] {
  return classDifferences(reports.filter((one) => !isRefusal(one)))
}

export function isRefusal(report: DataReport | Refusal): report is Refusal {
  return report.verdict === 'refused'
}

function refusalJson({ verdict, folder, part, error: { code, message } }: Refusal): object {
  return { verdict, folder, part, error: { code, message } }
}

function setJson({ labels, contents, problems, passedOver, ...facts }: DataReport): object {
  return {
    ...facts,
    damaged: problems.length,
    problems,
    passedOver,
    annotates: contents.annotates,
    ...contentsJson(contents, labels),
  }
}

function contentsJson(contents: Contents, labels: LabelMap): object {
  if (contents.annotates === 'objects') return objectJson(contents.counts, labels)
  if (contents.annotates === 'masks') return maskJson(contents.counts, labels)
  const { counts } = contents
  const named = (id: number) => ({ id, name: labels.labels[id]?.name ?? '' })
  return {
    labels: {
      size: labels.size,
      depth: hierarchyDepth(labels.labels),
      perImage: counts.mean,
      wrongShare: counts.wrongShare,
      seen: counts.ranked().map(({ id, count }) => ({ ...named(id), count })),
      neverSeen: counts.neverSeen().map(named),
    },
  }
}

/** Kinds that may be data come first and are marked with `!`. */
function passedOverLines({ passedOver }: DataReport): string[] {
  if (passedOver.length === 0) return []
  const sorted = [...passedOver].sort((a, b) => Number(b.matters) - Number(a.matters))
  return ['passed over:', ...sorted.map((one) => `  ${one.matters ? '!' : ' '} ${passedOverText(one)}`)]
}

/** The most and the least frequent labels, and those never seen. */
function histogram(counts: LabelCount, labels: LabelMap): string[] {
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
  return [
    ...items.slice(0, SHOWN).map((item) => `  ${printable(item)}`),
    ...(rest > 0 ? [`  and ${rest} more ${what}`] : []),
  ]
}

function nameOf({ labels }: LabelMap, id: number): string {
  return `${printable(labels[id]?.name ?? '')} (${id})`
}
