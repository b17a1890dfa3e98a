/** Every alert has a runbook, and what a runbook names exists: thresholds, panels, fields of jobs and values of the chart. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { suite, test } from 'node:test'
import { load } from 'js-yaml'
import { ALERTS } from '../../tools/monitoring/alerts.ts'
import { dashboardJson } from '../../tools/monitoring/dashboards/builder.ts'
import { DASHBOARDS } from '../../tools/monitoring/outputs.ts'
import { RUNBOOKS, readPage, SECTIONS } from '../support/runbooks.ts'

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>
  readonly [field: string]: unknown
}
interface Crd {
  readonly spec: { readonly versions: readonly { readonly schema: { readonly openAPIV3Schema: Schema } }[] }
}
interface Dashboard {
  readonly panels: readonly { readonly title: string }[]
  readonly templating: { readonly list: readonly { readonly label?: string }[] }
}

const SCHEMAS = ['pretrainjobs', 'finetunejobs'].map((name) => {
  const crd = load(readFileSync(`crds/${name}.yaml`, 'utf8')) as Crd
  return crd.spec.versions[0]?.schema.openAPIV3Schema.properties ?? {}
})
const VALUES = load(readFileSync('charts/downpour/values.yaml', 'utf8'))
/** Names that others have given, by whose they are. */
const OF_OTHERS: Readonly<Record<string, string>> = { timeoutSeconds: 'webhooks', Targets: 'a page of Prometheus' }

/** Panels and variables, in the words that Grafana shows. */
const SHOWN = new Set(
  Object.values(DASHBOARDS).flatMap((dashboard) => {
    const { panels, templating } = dashboardJson(dashboard) as Dashboard
    return [...panels.map(({ title }) => title), ...templating.list.map(({ label }) => label)]
  }),
)

const withoutBlocks = (text: string) => text.replace(/^```[\s\S]*?^```$/gm, '')
const namesInCode = (text: string) => [...withoutBlocks(text).matchAll(/`([^`]+)`/g)].map(([, code = '']) => code)
const namesInItalics = (text: string) => {
  const prose = withoutBlocks(text).replace(/`[^`]+`/g, '')
  return [...prose.matchAll(/\*([^*\n]+)\*/g)].map(([, name = '']) => name)
}
/** `async.maxStaleness`, `maxNonFinite`: words with dots or capitals inside. */
const isFieldName = (code: string) => /^[a-z]\w*(?:\.\w+)*$/.test(code) && /[.A-Z]/.test(code)

function hasField(schema: Schema | undefined, [field, ...rest]: readonly string[]): boolean {
  if (field === undefined) return schema !== undefined
  return hasField(schema?.properties?.[field], rest)
}

/** An empty map of the chart takes any key. */
function hasValue(values: unknown, [key, ...rest]: readonly string[]): boolean {
  if (key === undefined) return true
  if (typeof values !== 'object' || values === null) return false
  if (Object.keys(values).length === 0) return true
  return key in values && hasValue((values as Record<string, unknown>)[key], rest)
}

function exists(name: string): boolean {
  const path = name.split('.')
  const [root = ''] = path
  const full = ['spec', 'status'].includes(root) ? path : ['spec', ...path]
  return SCHEMAS.some((properties) => hasField({ properties }, full)) || hasValue(VALUES, path) || name in OF_OTHERS
}

/** @returns the paths of all leaves of an object, with dots */
function leaves(value: unknown, path: readonly string[] = []): string[] {
  if (typeof value !== 'object' || value === null) return [path.join('.')]
  return Object.entries(value).flatMap(([key, inner]) => leaves(inner, [...path, key]))
}

const patchesIn = (text: string) =>
  [...text.matchAll(/--patch '(.*)'$/gm)].map(([, json = '']) => JSON.parse(json.replace(/'\$\w+'/g, '1')) as unknown)

test('every alert has a runbook, and every runbook an alert', () => {
  const pages = readdirSync('docs/runbooks').filter((name) => name !== 'README.md')
  assert.deepEqual(pages.sort(), ALERTS.map(({ name }) => `${name}.md`).sort())
})

test('the table has every alert with the defaults of its severity and threshold', () => {
  const rows = [...readPage('README').matchAll(/^\| \[(\w+)\]\((\w+)\.md\) \| (\w+) \| (none|[\d.]+)/gm)]
  assert.deepEqual(
    rows.map(([, name, page, severity, threshold]) => ({ name, page, severity, threshold })),
    ALERTS.map(({ name, severity, threshold }) => ({
      name,
      page: name,
      severity,
      threshold: `${threshold ?? 'none'}`,
    })),
  )
})

for (const { name, text, headings } of RUNBOOKS) {
  suite(name, () => {
    test('has the name of the alert and four sections, each with text', () => {
      assert.ok(text.startsWith(`# ${name}\n\n## Meaning\n`))
      assert.deepEqual(headings, [...SECTIONS])
      assert.doesNotMatch(text, /^## \w+\n+(?=##|$(?![\s\S]))/m)
    })

    test('gives the default of the threshold', () => {
      const { threshold } = ALERTS.find((alert) => alert.name === name) ?? {}
      const [, given] = /the threshold \(([\d.]+)/.exec(text) ?? []
      assert.equal(given, threshold?.toString())
    })

    test('names panels and variables that the dashboards have', () => {
      const unknown = namesInItalics(text).filter((shown) => !SHOWN.has(shown) && !(shown in OF_OTHERS))
      assert.deepEqual(unknown, [])
    })

    test('names fields that jobs or the chart have, in its text and in its patches', () => {
      const named = [...namesInCode(text).filter(isFieldName), ...patchesIn(text).flatMap((patch) => leaves(patch))]
      assert.deepEqual(
        named.filter((field) => !exists(field)),
        [],
      )
    })
  })
}

test('the checks find what does not exist', () => {
  const text = 'Panel *No such panel*, `async.maxStalenes`, `metrics.prometheusRule.windows`, `maxNonFinit`, `stale`'
  assert.deepEqual(
    namesInItalics(text).filter((name) => !SHOWN.has(name)),
    ['No such panel'],
  )
  assert.equal(namesInCode(text).filter((name) => isFieldName(name) && !exists(name)).length, 3)
  const [patch] = patchesIn(`x --patch '{"spec":{"parameterServer":{"replica":'$N'}}}'`)
  assert.deepEqual(leaves(patch), ['spec.parameterServer.replica'])
  assert.equal(exists('spec.parameterServer.replica'), false)
})
