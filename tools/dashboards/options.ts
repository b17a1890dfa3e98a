/** Command line of `npm run dashboards`. */
import { parseArgs } from 'node:util'
import { DownpourError, errorMessage } from '../../src/support/errors.ts'
import type { Theme, TimeRangeSeconds } from './dashboard-json.ts'
import type { Wanted } from './fetch-drawing.ts'

export interface Options {
  readonly prometheus: string | undefined
  readonly range: TimeRangeSeconds
  readonly wanted: Wanted
  readonly dashboards: string
  readonly themes: readonly Theme[]
  readonly out: string
}

const OPTIONS = {
  prometheus: { type: 'string' },
  minutes: { type: 'string', default: '30' },
  from: { type: 'string' },
  to: { type: 'string' },
  var: { type: 'string', multiple: true, default: [] },
  dashboards: { type: 'string', default: 'deploy/monitoring/dashboards' },
  theme: { type: 'string', default: 'both' },
  out: { type: 'string', default: '.cache/dashboards' },
} satisfies NonNullable<Parameters<typeof parseArgs>[0]>['options']

const THEMES: Readonly<Record<string, readonly Theme[]>> = { dark: ['dark'], light: ['light'], both: ['dark', 'light'] }
const SECONDS_OF_A_MINUTE = 60

/** @throws DownpourError INVALID_OPTION */
export function parseOptions(args: readonly string[], nowSeconds: number): Options {
  const { minutes, from, to, var: assignments, theme, ...rest } = valuesOf(args)
  const end = to === undefined ? nowSeconds : timeOf('--to', to)
  const start = from === undefined ? end - minutesOf(minutes) * SECONDS_OF_A_MINUTE : timeOf('--from', from)
  if (start >= end) throw invalid(`--from must be before --to, got ${start} and ${end}`)
  const themes = THEMES[theme]
  if (!themes) throw invalid(`--theme: got ${theme}, expected dark, light or both`)
  const { prometheus, dashboards, out } = rest
  return {
    prometheus,
    dashboards,
    out,
    themes,
    range: { from: start, to: end },
    wanted: wantedOf(assignments),
  }
}

function valuesOf(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS }).values
  } catch (error) {
    throw invalid(`${errorMessage(error)}; npm run dashboards -- --help lists the options`)
  }
}

function minutesOf(text: string): number {
  const minutes = Number(text)
  if (minutes > 0) return minutes
  throw invalid(`--minutes: got ${text}, expected a number above 0`)
}

function timeOf(name: string, text: string): number {
  const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Date.parse(text) / 1000
  if (Number.isFinite(seconds)) return seconds
  throw invalid(`${name}: got ${text}, expected seconds since 1970 or a date such as 2026-01-31T12:00:00Z`)
}

function wantedOf(assignments: readonly string[]): Wanted {
  const wanted = new Map<string, string[]>()
  for (const assignment of assignments) {
    const [, name, value] = /^((?:[\w-]+:)?\w+)=(.*)$/s.exec(assignment) ?? []
    if (name === undefined || value === undefined)
      throw invalid(`--var: got ${assignment}, expected NAME=VALUE or DASHBOARD:NAME=VALUE`)
    wanted.set(name, [...(wanted.get(name) ?? []), value])
  }
  return wanted
}

function invalid(message: string): DownpourError {
  return new DownpourError('INVALID_OPTION', message)
}
