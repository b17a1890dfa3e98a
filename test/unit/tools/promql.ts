/** Reads PromQL without a process: syntax errors, and the selectors of an expression. */
import { parser } from '@prometheus-io/lezer-promql'

export interface Selector {
  /** Name of the series. */
  readonly metric: string
  /** The text between the braces; empty without them. */
  readonly matchers: string
  /** Functions around it, from the inside out. */
  readonly functions: readonly string[]
  /** The text between the brackets; undefined for an instant vector. */
  readonly range: string | undefined
}

export interface ParsedExpression {
  readonly errors: readonly string[]
  readonly selectors: readonly Selector[]
}

/** Grafana's variables, which are no PromQL inside a range. */
const RANGE_VARIABLE = /\[\$__(?:rate_interval|interval|range)\]/g

/** @param expr of a dashboard or a rule, with Grafana's range variables */
export function parsePromql(expr: string): ParsedExpression {
  // As long as what it replaces, so that positions still fit.
  const text = expr.replace(RANGE_VARIABLE, (variable) => `[${'1'.repeat(variable.length - 3)}s]`)
  const errors: string[] = []
  const selectors: Selector[] = []
  const tree = parser.parse(text)
  tree.iterate({
    enter({ type, from, to, node }) {
      if (type.isError) errors.push(`at ${from}: ${text.slice(from, Math.max(to, from + 20))}`)
      if (type.name !== 'VectorSelector') return
      const name = node.getChild('Identifier')
      const matchers = node.getChild('LabelMatchers')
      const functions: string[] = []
      let range: string | undefined
      for (let parent = node.parent; parent; parent = parent.parent) {
        if (parent.name === 'MatrixSelector') range = /\[(.+)\]$/.exec(expr.slice(parent.from, parent.to))?.[1]
        if (parent.name === 'FunctionCall' || parent.name === 'AggregateExpr')
          functions.push(/^\w+/.exec(text.slice(parent.from))?.[0] ?? '')
      }
      selectors.push({
        metric: name ? text.slice(name.from, name.to) : '',
        matchers: matchers ? expr.slice(matchers.from, matchers.to).replace(/^\{|\}$/g, '') : '',
        functions,
        range,
      })
    },
  })
  return { errors, selectors }
}
