/** Variables of a dashboard, beside what Grafana 13 makes of them. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { VariableJson } from '../../../../tools/dashboards/dashboard-json.ts'
import { choose, interpolate, interpolateText, parseLabelValues } from '../../../../tools/dashboards/variables.ts'

const variable = (more: Partial<VariableJson> = {}): VariableJson => ({ name: 'job', type: 'query', ...more })
const choices = new Map([
  ['job', { text: 'a + b', promql: '(a|b)' }],
  ['__rate_interval', { text: '20s', promql: '20s' }],
])

suite('label_values', () => {
  test('has a series, which may contain commas, and a label', () => {
    const query = { query: 'label_values(x{a="1", b=~"$c"}, job_name)' }
    assert.deepEqual(parseLabelValues(variable({ query })), { series: 'x{a="1", b=~"$c"}', label: 'job_name' })
  })

  test('may lack the series', () => {
    assert.deepEqual(parseLabelValues(variable({ query: 'label_values(job)' })), { series: undefined, label: 'job' })
  })

  test('any other query is refused by its text', () => {
    assert.throws(() => parseLabelValues(variable({ query: 'query_result(up)' })), { code: 'BAD_DASHBOARD' })
  })
})

suite('the choice of a variable', () => {
  test('is the first value where nothing was saved', () => {
    assert.deepEqual(choose(variable(), ['b', 'a']), { text: 'a', promql: 'a' })
  })

  test('is what the user named, and not what was saved', () => {
    const saved = variable({ current: { value: 'a' } })
    assert.deepEqual(choose(saved, ['a', 'b'], ['b']), { text: 'b', promql: 'b' })
  })

  test('"All" is allValue, or else every value that was found', () => {
    const all = variable({ multi: true, includeAll: true, current: { value: '$__all' } })
    assert.equal(choose({ ...all, allValue: '.*' }, ['a', 'b']).promql, '.*')
    assert.deepEqual(choose(all, ['a', 'b']), { text: 'All', promql: '(a|b)' })
  })

  test('escapes several values as a regular expression in a string', () => {
    const several = variable({ multi: true })
    assert.equal(choose(several, [], ['a.b', 'c']).promql, '(a\\\\.b|c)')
    assert.equal(choose(several, [], ['a.b']).promql, 'a\\\\.b')
  })

  test('escapes one value as a string', () => {
    assert.equal(choose(variable(), ['say "x"']).promql, 'say \\"x\\"')
  })
})

suite('variables in a text', () => {
  test('are found in each form', () => {
    assert.equal(interpolate('x{job=~"$job"}[$__rate_interval]', choices), 'x{job=~"(a|b)"}[20s]')
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the form of Grafana's variables.
    assert.equal(interpolate('${job} ${job:regex}', choices), '(a|b) (a|b)')
  })

  test('stay where they are none: groups of label_replace, and names that only begin alike', () => {
    for (const text of ['label_replace(x, "a", "$1", "b", "(.*)")', '$jobs'])
      assert.equal(interpolate(text, choices), text)
  })

  test('of a title are the texts that people read', () => {
    assert.equal(interpolateText('Jobs $job', choices), 'Jobs a + b')
  })
})
