/** Rules of grafana/dashboard-linter and of mixins, over the generated dashboards, rules and alerts. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { suite, test } from 'node:test'
import { PHASES } from '../../../src/api/status.ts'
import { createEvaluatorMetrics } from '../../../src/metrics/evaluator.ts'
import { createOperatorMetrics } from '../../../src/metrics/operator.ts'
import { createPsMetrics } from '../../../src/metrics/ps.ts'
import { createWorkerMetrics } from '../../../src/metrics/worker.ts'
import { ALERTS } from '../../../tools/monitoring/alerts.ts'
import { dashboardJson } from '../../../tools/monitoring/dashboards/builder.ts'
import { PLACEHOLDERS } from '../../../tools/monitoring/expressions.ts'
import { DASHBOARDS, monitoringFiles } from '../../../tools/monitoring/outputs.ts'
import { RECORDING_RULES } from '../../../tools/monitoring/recording-rules.ts'
import { parsePromql } from './promql.ts'

interface Target {
  expr: string
  datasource: { uid: string }
}
interface PanelJson {
  id: number
  type: string
  title: string
  description?: string
  datasource?: { uid: string }
  targets?: Target[]
  fieldConfig?: { defaults: { unit?: string } }
  gridPos: { x: number; y: number; w: number; h: number }
}
interface VariableJson {
  name: string
  type: string
  refresh?: number
  definition?: string
  datasource?: { uid: string }
}
interface DashboardJson {
  uid: string
  title: string
  editable: boolean
  panels: PanelJson[]
  templating: { list: VariableJson[] }
  annotations: { list: Target[] }
}

const ROOT = new URL('../../../', import.meta.url)
const dashboards = Object.entries(DASHBOARDS).map(
  ([name, dashboard]) => [name, dashboardJson(dashboard) as DashboardJson] as const,
)
const panelsOf = ({ panels }: DashboardJson) => panels.filter(({ type }) => type !== 'row')
const SOURCE = '$datasource'

/** Types by name, of every metric that a process exports; a histogram has three series. */
const exported = await exportedMetrics()
async function exportedMetrics(): Promise<Map<string, string>> {
  const operator = createOperatorMetrics({
    ...{ version: '0', phases: PHASES, concurrency: 1, jobs: () => [], nowMs: () => 0, defaults: true },
  })
  const all = [operator, createPsMetrics(), createEvaluatorMetrics(), createWorkerMetrics({ tensors: () => 0 })]
  const texts = await Promise.all(all.map(({ registry }) => registry.metrics()))
  const types = texts.flatMap((text) => [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)])
  return new Map(
    types.flatMap(([, name = '', type = '']) =>
      type === 'histogram'
        ? ['_bucket', '_sum', '_count'].map((suffix) => [`${name}${suffix}`, 'histogram'] as const)
        : [[name, type] as const],
    ),
  )
}
const RECORDED = new Set(RECORDING_RULES.map(({ record }) => record))
/** Of Prometheus itself. */
const SYNTHETIC = new Set(['up', 'ALERTS'])

function mustExist(metric: string, where: string): void {
  assert.ok(
    exported.has(metric) || RECORDED.has(metric) || SYNTHETIC.has(metric),
    `${where}: no process exports ${metric}`,
  )
}

suite('generated files are up to date (npm run generate)', () => {
  for (const [path, text] of monitoringFiles())
    test(path, () => assert.equal(readFileSync(new URL(path, ROOT), 'utf8'), text))
})

for (const [name, json] of dashboards) {
  suite(`the dashboard "${name}"`, () => {
    test('has one data source, a variable, which all panels, variables and annotations use', () => {
      const [source] = json.templating.list
      assert.deepEqual([source?.name, source?.type], ['datasource', 'datasource'])
      const users = [
        ...panelsOf(json),
        ...panelsOf(json).flatMap(({ targets = [] }) => targets),
        ...json.templating.list.slice(1),
        ...json.annotations.list,
      ]
      for (const { datasource } of users) assert.equal(datasource?.uid, SOURCE)
    })

    test('cannot be edited, and reads its variables again when the time range changes', () => {
      assert.equal(json.editable, false)
      for (const { name, type, refresh } of json.templating.list) if (type === 'query') assert.equal(refresh, 2, name)
    })

    test('has a title, description, unit and query on each panel, and no two panels of one name or id', () => {
      const panels = panelsOf(json)
      for (const { title, description, targets, fieldConfig } of panels) {
        assert.match(title, /^[A-Z]/)
        assert.match(description ?? '', /^[A-Z`].*\.$/s, title)
        assert.ok(fieldConfig?.defaults.unit, title)
        assert.ok(targets && targets.length > 0, title)
      }
      for (const key of ['title', 'id'] as const)
        assert.equal(new Set(panels.map((panel) => panel[key])).size, panels.length, key)
    })

    test('has panels inside the grid that do not overlap', () => {
      const taken = new Set<string>()
      for (const { title, gridPos } of json.panels) {
        const { x, y, w, h } = gridPos
        assert.ok(x + w <= 24, title)
        for (let column = x; column < x + w; column++)
          for (let row = y; row < y + h; row++) {
            const cell = `${column},${row}`
            assert.ok(!taken.has(cell), `${title} overlaps at ${cell}`)
            taken.add(cell)
          }
      }
    })

    const expressions = [
      ...panelsOf(json).flatMap(({ title, targets = [] }) => targets.map(({ expr }) => [title, expr] as const)),
      ...json.annotations.list.map(({ expr }) => ['annotation', expr] as const),
    ]
    test('has valid queries over series that exist, each for the chosen cluster and job', () => {
      for (const [title, expr] of expressions) {
        const { errors, selectors } = parsePromql(expr)
        assert.deepEqual(errors, [], `${title}: ${expr}`)
        for (const { metric, matchers } of selectors) {
          mustExist(metric, title)
          assert.match(matchers, /__cluster__=~"\$cluster"/, `${title}: ${metric}`)
          if (name === 'job')
            for (const label of ['namespace=~"$namespace"', 'kind=~"$kind"', 'job_name=~"$job"'])
              assert.ok(matchers.includes(label), `${title}: ${metric} without ${label}`)
        }
      }
    })

    test('has counters only under rate and increase, over $__rate_interval', () => {
      for (const [title, expr] of expressions) {
        for (const { metric, functions, range } of parsePromql(expr).selectors) {
          const isRate = ['rate', 'increase'].includes(functions[0] ?? '')
          if (exported.get(metric) === 'counter' || exported.get(metric) === 'histogram')
            assert.ok(isRate, `${title}: ${metric} without rate or increase`)
          if (isRate) assert.equal(range, '$__rate_interval', title)
        }
      }
    })
  })
}

test('the addresses and titles of the dashboards are unique', () => {
  for (const key of ['uid', 'title'] as const)
    assert.equal(new Set(dashboards.map(([, json]) => json[key])).size, dashboards.length)
})

suite('rules and alerts', () => {
  const filled = (expr: string) =>
    PLACEHOLDERS.reduce(
      (text, name) => text.replaceAll(name, name === '$window' ? '5m' : name === '$cluster' ? 'cluster' : '1'),
      expr,
    )

  test('are valid PromQL over series that exist', () => {
    for (const [name, expr] of [
      ...RECORDING_RULES.map(({ record, expr }) => [record, expr] as const),
      ...ALERTS.map((alert) => [alert.name, alert.expr] as const),
    ]) {
      const { errors, selectors } = parsePromql(filled(expr))
      assert.deepEqual(errors, [], `${name}: ${expr}`)
      for (const { metric } of selectors) mustExist(metric, name)
    }
  })

  test('recording rules are named level:metric:operation', () => {
    for (const { record } of RECORDING_RULES) assert.match(record, /^cluster_namespace_kind_job_name:downpour_\w+:\w+$/)
  })

  test('no alert compares a cumulative counter with a number', () => {
    for (const { name, expr } of ALERTS)
      for (const { metric, functions } of parsePromql(filled(expr)).selectors)
        if (exported.get(metric) === 'counter') assert.ok(['rate', 'increase'].includes(functions[0] ?? ''), name)
  })

  test('each alert has a severity, texts, a name of the same form, and a runbook', () => {
    assert.ok(ALERTS.length >= 12 && ALERTS.length <= 16, String(ALERTS.length))
    for (const { name, summary, description, expr, threshold } of ALERTS) {
      assert.match(name, /^Downpour[A-Z]\w+$/)
      assert.doesNotMatch(summary, /\{\{/, 'a summary is the same for all instances of an alert')
      for (const text of [summary, description]) assert.match(text, /^[A-Z{].*\.$/, name)
      assert.equal(expr.includes('$threshold'), threshold !== undefined, name)
      assert.ok(existsSync(new URL(`docs/runbooks/${name}.md`, ROOT)), `docs/runbooks/${name}.md`)
    }
    assert.equal(new Set(ALERTS.map(({ name }) => name)).size, ALERTS.length)
  })

  test('alerts of a job hold only while it is Running and its grace is over', () => {
    for (const { name, description, expr } of ALERTS)
      if (description.includes('$labels.job_name')) assert.match(expr, /downpour_job_phase:running$/, name)
  })
})
