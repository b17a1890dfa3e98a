import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import {
  escapeHtml,
  lineChart,
  niceTicks,
  type Series,
  type Shape,
  shortNumber,
} from '../../../../src/cli/report/chart.ts'

const value = fc.oneof(
  fc.constant(0),
  fc.double({ min: 1e-9, max: 1e9, noNaN: true }),
  fc.double({ min: -1e9, max: -1e-9, noNaN: true }),
)

suite('ticks of an axis', () => {
  test('enclose the values and zero, are evenly spaced, few, and of round size', () => {
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 20 }), (values) => {
        const ticks = niceTicks(values)
        const [low = Number.NaN, next = Number.NaN] = ticks
        const high = ticks.at(-1) as number
        const step = next - low
        const slack = step * 1e-6
        assert.ok(low <= Math.min(0, ...values) + slack && high >= Math.max(0, ...values) - slack, `${ticks}`)
        assert.ok(ticks.length >= 2 && ticks.length <= 8, `${ticks}`)
        for (const [i, tick] of ticks.entries()) assert.ok(Math.abs(tick - low - i * step) <= slack, `${ticks}`)
        const leading = step / 10 ** Math.floor(Math.log10(step) + 1e-9)
        assert.ok(
          [1, 2, 2.5, 5].some((round) => Math.abs(leading - round) < 1e-6),
          `step ${step}`,
        )
      }),
    )
  })

  test('are at round numbers', () => {
    assert.deepEqual(niceTicks([0, 1500]), [0, 500, 1000, 1500])
    assert.deepEqual(niceTicks([-3, 4]), [-4, -2, 0, 2, 4])
    assert.deepEqual(niceTicks([0, 0]), niceTicks([0]))
    assert.ok(niceTicks([0]).length >= 2)
  })

  test('can be computed for 300,000 values, as of a long job', () => {
    const values = Array.from({ length: 300_000 }, (_, i) => i)
    assert.equal(niceTicks(values).at(-1), 300_000)
  })
})

suite('a line chart', () => {
  const points = [1, 2, 3].map((x) => ({ x, y: x * x }))
  const draw = (series: readonly Series[], shape?: Shape) =>
    lineChart({ title: 'Loss', yLabel: 'nats', xLabel: 'step', series }, shape)
  const named = (...names: string[]) => names.map((name) => ({ name, points }))

  test('draws a line for each series, and has a legend if there are several', () => {
    const one = draw(named('a'))
    assert.equal(one.match(/<polyline/g)?.length, 1)
    assert.doesNotMatch(one, /legend/)
    const two = draw(named('a', 'b'))
    assert.equal(two.match(/<polyline/g)?.length, 2)
    const colours = [...two.matchAll(/<polyline[^>]* stroke="([^"]+)"/g)].map(([, colour]) => colour)
    const legend = [...two.matchAll(/<li><svg.*?stroke="([^"]+)".*?<\/svg>(.)<\/li>/g)].map(([, ...found]) => found)
    assert.deepEqual(legend, [
      [colours[0], 'a'],
      [colours[1], 'b'],
    ])
    assert.equal(new Set(two.match(/stroke-dasharray="[^"]+"/g)).size, 1, 'the lines differ without colour')
  })

  test('labels both axes', () => {
    assert.match(draw(named('a')), />nats<\/text>[\s\S]*>step<\/text>/)
  })

  test('stays within its frame and is finite everywhere', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ x: value, y: value }), { minLength: 1, maxLength: 20 }), (given) => {
        const svg = draw([{ name: 'a', points: given }])
        const drawn = /points="([^"]*)"/.exec(svg)?.[1]?.split(/[ ,]/).map(Number) ?? []
        assert.ok(drawn.length > 0 && drawn.every((number) => number >= 0 && number <= 400), svg)
        assert.doesNotMatch(svg, /NaN|Infinity/)
      }),
    )
  })

  test('of a long history has a limited size', () => {
    const long = Array.from({ length: 100_000 }, (_, x) => ({ x, y: Math.sin(x) }))
    const svg = draw([{ name: 'a', points: long }])
    assert.ok(svg.length < 40_000, `${svg.length} characters`)
  })

  test('draws a single value as a dot', () => {
    assert.equal(draw([{ name: 'a', points: points.slice(0, 1) }]).match(/<circle/g)?.length, 1)
  })

  test('leaves a gap at a value that is NaN or infinite', () => {
    const gap = [...points, { x: 4, y: Number.NaN }, { x: 5, y: Number.POSITIVE_INFINITY }, ...points]
    const drawn = [...draw([{ name: 'a', points: gap }]).matchAll(/points="([^"]*)"/g)].map(
      ([, at]) => at?.split(' ').length,
    )
    assert.deepEqual(drawn, [3, 3])
  })

  test('without a drawable point is a sentence', () => {
    const nothing = {
      title: '<b>',
      yLabel: 'y',
      xLabel: 'x',
      series: [{ name: 'a', points: [{ x: 1, y: Number.NaN }] }],
    }
    assert.equal(lineChart(nothing), '<p>&lt;b&gt;: nothing was recorded.</p>')
  })

  test('escapes titles, labels and names', () => {
    const chart = lineChart({ title: '<t>', yLabel: '<y>', xLabel: '<x>', series: named('<a>', '<b>') })
    assert.doesNotMatch(chart, /<[tyxab]>/)
  })
})

test('numbers have three significant digits and a suffix or exponent', () => {
  assert.deepEqual([0, 0.12345, 999, 12_345, 36_000_000, -0.5, 1e30, 2.5e-7].map(shortNumber), [
    '0',
    '0.123',
    '999',
    '12.3k',
    '36M',
    '-0.5',
    '1e+30',
    '2.5e-7',
  ])
})

test('special characters of HTML are escaped', () => {
  assert.equal(escapeHtml(`<a href="x">'&`), '&lt;a href=&quot;x&quot;&gt;&#39;&amp;')
})
