import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { escapeHtml, lineChart, niceTicks, shortNumber } from '../../../src/cli/chart.ts'

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

  test('are as people would write them', () => {
    assert.deepEqual(niceTicks([0, 1500]), [0, 500, 1000, 1500])
    assert.deepEqual(niceTicks([-3, 4]), [-4, -2, 0, 2, 4])
    assert.deepEqual(niceTicks([0, 0]), niceTicks([0]))
    assert.ok(niceTicks([0]).length >= 2)
  })

  test('of as many values as a long job leaves are found, too', () => {
    const values = Array.from({ length: 300_000 }, (_, i) => i)
    assert.equal(niceTicks(values).at(-1), 300_000)
  })
})

suite('a line chart', () => {
  const points = [1, 2, 3].map((x) => ({ x, y: x * x }))

  test('draws a line for each series, and names them when there are several', () => {
    const one = lineChart('Loss', 'step', [{ name: 'a', points }])
    assert.equal(one.match(/<polyline/g)?.length, 1)
    assert.doesNotMatch(one, />a<\/text>/)
    const two = lineChart('Loss', 'step', [
      { name: 'a', points },
      { name: 'b', points },
    ])
    assert.equal(two.match(/<polyline/g)?.length, 2)
    assert.match(two, />a<\/text>[\s\S]*>b<\/text>/)
  })

  test('stays within its frame and is finite everywhere', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ x: value, y: value }), { minLength: 1, maxLength: 20 }), (given) => {
        const svg = lineChart('t', 'x', [{ name: 'a', points: given }])
        const drawn = /points="([^"]*)"/.exec(svg)?.[1]?.split(/[ ,]/).map(Number) ?? []
        assert.ok(drawn.length > 0 && drawn.every((number) => number >= 0 && number <= 560), svg)
        assert.doesNotMatch(svg, /NaN|Infinity/)
      }),
    )
  })

  test('of a long history is as large as the picture needs', () => {
    const long = Array.from({ length: 100_000 }, (_, x) => ({ x, y: Math.sin(x) }))
    const svg = lineChart('t', 'x', [{ name: 'a', points: long }])
    assert.ok(svg.length < 40_000, `${svg.length} characters`)
  })

  test('without a point is a sentence', () => {
    assert.equal(lineChart('<b>', 'x', [{ name: 'a', points: [] }]), '<p>&lt;b&gt;: nothing was recorded.</p>')
  })

  test('escapes what it is told', () => {
    const svg = lineChart(
      '<t>',
      '<x>',
      ['<a>', '<b>'].map((name) => ({ name, points })),
    )
    assert.doesNotMatch(svg, /<[txab]>/)
  })
})

test('numbers are short', () => {
  assert.deepEqual([0, 0.12345, 999, 12_345, 36_000_000, -0.5].map(shortNumber), [
    '0',
    '0.123',
    '999',
    '12.3k',
    '36M',
    '-0.5',
  ])
})

test('text in HTML is text', () => {
  assert.equal(escapeHtml(`<a href="x">'&`), '&lt;a href=&quot;x&quot;&gt;&#39;&amp;')
})
