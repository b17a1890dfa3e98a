/** What jobs have loaded from their sources, and the checkpoints that their weights descend from, as text. */
import type { Job } from '../api/job.ts'
import { type InitReport, lineageText } from '../contract/first-weights.ts'
import { SHORT_NAMES } from '../contract/names.ts'
import { counted } from '../support/counted.ts'
import { fitTable } from './table.ts'

const HEAD = ['JOB', 'LOADED', 'SKIPPED', 'NEW', 'FROM']
const MIN_LINEAGE_WIDTH = 30

/**
 * One row for each job that has reported it: numbers of variables, and the lineage.
 * @param width of the terminal; absent: a pipe. @returns no line if no job has reported it
 */
export function firstWeightsTable(jobs: readonly Job[], width = Number.POSITIVE_INFINITY): string[] {
  const rows = jobs.flatMap(({ kind, metadata, status }) => {
    const { init, lineage } = status ?? {}
    if (!init) return []
    const counts = [init.loaded, init.skipped, init.new].map(({ variables }) => String(variables))
    return [[`${SHORT_NAMES[kind]}/${metadata.name}`, ...counts, lineageText(lineage)]]
  })
  if (rows.length === 0) return []
  const optional = ['SKIPPED', 'LOADED', 'NEW']
  return fitTable([HEAD, ...rows], { width, optional, minLastWidth: MIN_LINEAGE_WIDTH }).lines
}

/** @example 'loaded 2 variables (9 values: a, b); skipped 1 variable (7 values: head/weights); drew none' */
export function initText({ loaded, skipped, new: drawn }: InitReport): string {
  return `loaded ${partText(loaded)}; skipped ${partText(skipped)}; drew ${partText(drawn)}`
}

function partText({ variables, values, names }: InitReport['loaded']): string {
  if (variables === 0) return 'none'
  const more = variables > names.length ? ', …' : ''
  return `${counted(variables, 'variable')} (${values} values: ${names.join(', ')}${more})`
}
