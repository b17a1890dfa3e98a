/** Values of a dashboard's variables, and their places in queries, as Grafana and its data source for Prometheus treat them. */
import { DownpourError } from '../../src/support/errors.ts'
import type { VariableJson } from './dashboard-json.ts'

/** What was chosen for a variable: for people, and as a part of a query. */
export interface Choice {
  readonly text: string
  readonly promql: string
}
export type Choices = ReadonlyMap<string, Choice>

const ALL = '$__all'
const ANY = '.+'
const LABEL_VALUES = /^label_values\((?:(?<series>.+),\s*)?(?<label>\w+)\)$/s
/** `$name` and `${name}`, with an optional format such as `${name:regex}`. */
const PLACE = /\$(?:(\w+)|\{(\w+)(?::\w+)?\})/g
/** Characters that a regular expression in a PromQL string must not contain unescaped; twice, for the string and for RE2. */
const SPECIAL = /[\\^$.*+?()[\]{}|]/g

/** @throws DownpourError: it is no `label_values(series, label)`, the only query that dashboards here use */
export function parseLabelValues({ name, query }: VariableJson): { series: string | undefined; label: string } {
  const text = typeof query === 'object' ? query.query : (query ?? '')
  const { series, label } = LABEL_VALUES.exec(text)?.groups ?? {}
  if (label) return { series, label }
  throw new DownpourError(
    'BAD_DASHBOARD',
    `variable ${name}: got the query "${text}", expected label_values(series, label)`,
  )
}

/** @param found values of the label @param wanted values that the user named, instead of the dashboard's own choice */
export function choose(variable: VariableJson, found: readonly string[], wanted: readonly string[] = []): Choice {
  const saved = [variable.current?.value ?? []].flat()
  const values = wanted.length > 0 ? wanted : saved
  if (variable.includeAll && (values.includes(ALL) || values.includes('All') || values.length === 0))
    return { text: 'All', promql: variable.allValue ?? alternatives(found) }
  const chosen = values.length > 0 ? values : [...found].sort().slice(0, 1)
  const isRegex = variable.multi || variable.includeAll
  return { text: chosen.join(' + '), promql: isRegex ? alternatives(chosen) : escapeString(chosen[0] ?? '') }
}

/** A dashboard without any value would show the series of every job mixed together: nothing matches instead. */
function alternatives(values: readonly string[]): string {
  const escaped = values.map((value) => value.replace(SPECIAL, '\\\\$&'))
  return escaped.length > 1 ? `(${escaped.join('|')})` : (escaped[0] ?? ANY)
}

function escapeString(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')
}

/** Replaces the variables in a query. Others, such as `$1` of label_replace, stay. */
export function interpolate(text: string, choices: Choices): string {
  return replacePlaces(text, (name) => choices.get(name)?.promql)
}

/** Replaces the variables in a title. */
export function interpolateText(text: string, choices: Choices): string {
  return replacePlaces(text, (name) => choices.get(name)?.text)
}

function replacePlaces(text: string, find: (name: string) => string | undefined): string {
  return text.replace(PLACE, (place, plain: string | undefined, braced: string | undefined) => {
    return find(plain ?? braced ?? '') ?? place
  })
}
