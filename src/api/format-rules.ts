/** Refuses an option of one data format beside another format, which would ignore it. */
import { FORMAT_NAMES, FORMAT_OPTIONS, type FormatOption, formatsWith } from '../contract/data-formats.ts'
import { JOB_KINDS } from '../contract/names.ts'
import type { Rule, Spec } from './rule.ts'

type Data = Spec['data']

const OPTIONS = Object.keys(FORMAT_OPTIONS) as FormatOption[]

export const FORMAT_RULES: readonly Rule[] = OPTIONS.filter(
  (option) => formatsWith(option).length < FORMAT_NAMES.length,
).flatMap((option) => [
  ruleFor(option, ['data'], ({ data }) => data),
  ruleFor(option, ['evaluation', 'data'], ({ evaluation }) => evaluation?.data),
])

/** @param path of the data in the spec; any part of it may be absent */
function ruleFor(option: FormatOption, path: readonly string[], dataOf: (spec: Spec) => Data | undefined): Rule {
  const formats = formatsWith(option)
  const steps = [...path.keys()].map((i) => path.slice(0, i + 1).join('.'))
  const data = path.join('.')
  const allowed = [
    ...steps.map((step) => `!has(self.${step})`),
    `!has(self.${data}.${option})`,
    `!has(self.${data}.format)`,
    ...formats.map((name) => `self.${data}.format == '${name}'`),
  ]
  return {
    kinds: JOB_KINDS,
    path: `spec.${data}.${option}`,
    message: `is for format ${formats.join(' or ')}`,
    holds: (spec) => {
      const given = dataOf(spec)
      return given?.[option] === undefined || formats.includes(given.format)
    },
    cel: allowed.join(' || '),
  }
}
