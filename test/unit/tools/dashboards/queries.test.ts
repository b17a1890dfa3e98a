/** What Prometheus is asked for a panel, and what becomes of the answers. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { eventsOf } from '../../../../tools/dashboards/annotation-events.ts'
import type { DashboardJson, Series, TargetJson } from '../../../../tools/dashboards/dashboard-json.ts'
import { emptyQueries } from '../../../../tools/dashboards/empty-queries.ts'
import { fetchDrawing } from '../../../../tools/dashboards/fetch-drawing.ts'
import { durationSeconds, intervalChoices, stepSeconds } from '../../../../tools/dashboards/intervals.ts'
import { legendOf } from '../../../../tools/dashboards/legend.ts'
import type { PrometheusApi } from '../../../../tools/dashboards/prometheus-api.ts'

const HOUR = 3600
const range = { from: 7, to: HOUR + 7 }

suite('the distance of points', () => {
  test('is a round number that gives no more points than there are pixels', () => {
    assert.equal(stepSeconds({ from: 0, to: HOUR }, 400, 5), 10)
    assert.equal(stepSeconds({ from: 0, to: 24 * HOUR }, 400, 5), 300)
  })

  test('is at least that of the scrapes', () => {
    assert.equal(stepSeconds({ from: 0, to: 60 }, 400, 15), 15)
  })

  test('a rate looks back over four scrapes, or over more than a step', () => {
    const rateOf = (step: number, scrape: number) => intervalChoices(range, step, scrape).get('__rate_interval')?.promql
    assert.equal(rateOf(5, 15), '60s')
    assert.equal(rateOf(300, 15), '315s')
  })

  test('durations are those of Prometheus', () => {
    for (const [text, seconds] of [
      ['15s', 15],
      ['1m30s', 90],
      ['500ms', 0.5],
      ['1d', 86_400],
    ] as const)
      assert.equal(durationSeconds(text), seconds)
  })
})

suite('legends', () => {
  test('have the labels of the series, and nothing where it lacks one', () => {
    assert.equal(legendOf('{{role}} {{ index }}{{none}}', { role: 'ps', index: '0' }, 'x'), 'ps 0')
  })

  test('without a format are the series, or the expression where it has no label', () => {
    assert.equal(legendOf('', { __name__: 'up', job: 'a', role: 'ps' }, 'up'), 'up{job="a", role="ps"}')
    assert.equal(legendOf('__auto', {}, 'sum(up)'), 'sum(up)')
  })
})

suite('annotations', () => {
  const annotation = { name: 'Pods', iconColor: 'red', titleFormat: '{{role}} replaced' }
  const samples = [
    [10, 1],
    [20, 1],
    [30, 0],
    [40, 2],
  ] as const

  test('join times that follow each other', () => {
    const events = eventsOf(annotation, { role: 'ps' }, samples, 10)
    const event = { name: 'Pods', color: 'red', text: 'ps replaced' }
    assert.deepEqual(events, [
      { ...event, from: 10, to: 20 },
      { ...event, from: 40, to: 40 },
    ])
  })

  test('whose value is the time are one event for each value', () => {
    const times = [
      [10, 5000],
      [20, 5000],
      [30, 25_000],
    ] as const
    const events = eventsOf({ ...annotation, useValueForTime: true }, {}, times, 10)
    assert.deepEqual(
      events.map(({ from, to }) => [from, to]),
      [
        [5, 5],
        [25, 25],
      ],
    )
  })
})

function dashboardWith(targets: readonly TargetJson[], defaults = {}): DashboardJson {
  const panel = { id: 1, type: 'timeseries', title: 'P', gridPos: { x: 0, y: 0, w: 6, h: 8 }, targets }
  return {
    title: 'D',
    panels: [{ ...panel, fieldConfig: { defaults, overrides: [] } }],
    templating: { list: [{ name: 'job', type: 'query', query: { query: 'label_values(up, job)' } }] },
    annotations: { list: [] },
  }
}

suite('the queries of a panel', () => {
  const asked: unknown[] = []
  const api: PrometheusApi = {
    range: async (expr, { from, to }, step) => {
      asked.push(['range', expr, from, to, step])
      return [{ labels: { job: 'a' }, samples: [[0, 1]] }]
    },
    instant: async (expr, seconds) => {
      asked.push(['instant', expr, seconds])
      return []
    },
    labelValues: async () => ['a', 'b'],
    scrapeSeconds: async () => 5,
  }
  const ask = async (target: Partial<TargetJson>) => {
    asked.length = 0
    const dashboard = dashboardWith([{ refId: 'A', expr: 'rate(x{job="$job"}[$__rate_interval])', ...target }])
    const { series } = await fetchDrawing(api, { dashboard, range, wanted: new Map([['job', ['b']]]) })
    return series[1]
  }

  test('ask for a range that begins at a multiple of the step', async () => {
    const series = await ask({ legendFormat: 'job {{job}}' })
    assert.deepEqual(asked, [['range', 'rate(x{job="b"}[20s])', 0, HOUR, 15]])
    assert.deepEqual(
      series?.map(({ legend, stepSeconds: step }) => [legend, step]),
      [['job a', 15]],
    )
  })

  test('ask for the end alone where they are instant', async () => {
    await ask({ instant: true })
    assert.deepEqual(asked, [['instant', 'rate(x{job="b"}[20s])', HOUR + 7]])
  })
})

suite('empty panels', () => {
  const series = (refId: string, value: number): Series => ({
    ...{ refId, legend: '', labels: {}, isRow: false, samples: [[0, value]] },
  })
  const targets = ['A', 'B', 'C'].map((refId) => ({ refId, expr: refId.toLowerCase() }))

  test('are queries without a number, with the reason that the panel gives', () => {
    const all = { 1: [series('A', 0), series('B', Number.NaN)] }
    const found = emptyQueries(dashboardWith(targets, { noValue: 'Nothing fires.' }), all)
    assert.deepEqual(
      found.map(({ expr, reason }) => [expr, reason]),
      [
        ['b', 'Nothing fires.'],
        ['c', 'Nothing fires.'],
      ],
    )
  })

  test('have no reason without a text for it', () => {
    assert.equal(emptyQueries(dashboardWith(targets), {})[0]?.reason, undefined)
  })
})
