/** Label and field selectors, as in `kubectl get -l` and `--field-selector`. */

import { valueAt } from '../../support/fields.ts'
import { ownValue } from '../../support/own.ts'
import type { Stored } from '../store/objects.ts'
import { badRequest } from '../store/status-error.ts'

export type Predicate = (object: Stored) => boolean

const SET = /^\s*([^\s!=]+)\s+(in|notin)\s+\(([^)]*)\)\s*$/
const NAME = /^!?[\w./-]+$/
const EQUALITY = /^\s*([^\s!=]+)\s*(==|=|!=)\s*(.*?)\s*$/

export function labelPredicate(selector: string): Predicate {
  const terms = splitTerms(selector).map(labelTerm)
  return ({ metadata }) => terms.every((holds) => holds(metadata.labels ?? {}))
}

function labelTerm(term: string): (labels: Record<string, string>) => boolean {
  const set = SET.exec(term)
  if (set) {
    const [, key = '', relation, list = ''] = set
    const values = list.split(',').map((value) => value.trim())
    return (labels) => (Object.hasOwn(labels, key) && values.includes(labels[key] as string)) === (relation === 'in')
  }
  const equality = EQUALITY.exec(term)
  if (equality) {
    const [, key = '', relation, value] = equality
    return (labels) => (ownValue(labels, key) === value) === (relation !== '!=')
  }
  const name = term.trim()
  if (!NAME.test(name)) throw badRequest(`unable to parse requirement: "${term}"`)
  if (name.startsWith('!')) return (labels) => !Object.hasOwn(labels, name.slice(1))
  return (labels) => Object.hasOwn(labels, name)
}

/** Fields besides name and namespace that a real API server can select by. */
const SELECTABLE: Readonly<Record<string, RegExp>> = {
  Pod: /^(spec\.(nodeName|restartPolicy|schedulerName|serviceAccountName|hostNetwork)|status\.(phase|podIP))$/,
  Event: /^(involvedObject\.\w+|reason|type|source|reportingComponent)$/,
  Namespace: /^status\.phase$/,
  Node: /^spec\.unschedulable$/,
}

/** @throws StatusError 400 for a term that is not an equality, or for a field that selectors do not support */
export function fieldPredicate(selector: string, kind: string): Predicate {
  const terms = splitTerms(selector).map((term) => {
    const match = EQUALITY.exec(term)
    if (!match) throw badRequest(`unable to parse field selector "${term}"`)
    const [, path = '', relation, value] = match
    if (!/^metadata\.(name|namespace)$/.test(path) && !SELECTABLE[kind]?.test(path))
      throw badRequest(`field label not supported: ${path}`)
    return { path: path.split('.'), equal: relation !== '!=', value }
  })
  return (object) => terms.every(({ path, equal, value }) => (String(valueAt(object, path) ?? '') === value) === equal)
}

/** Splits at commas outside of the brackets of a set. */
function splitTerms(selector: string): string[] {
  return selector.split(/,(?![^(]*\))/).filter((term) => term.trim() !== '')
}
