import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { cutText, fitTable, table, textWidth, wrapText } from '../../../src/cli/table.ts'

const text = fc.string({ unit: fc.constantFrom(...'abc 数据é…🙂\u0301'), maxLength: 60 })

suite('text on a terminal', () => {
  test('has a width in terminal columns', () => {
    assert.deepEqual(['abc', '数据', 'é', 'e\u0301', '🙂', '한글', 'ｆ', ''].map(textWidth), [3, 4, 1, 1, 2, 4, 2, 0])
  })

  test('that is cut keeps its beginning and fits the width', () => {
    fc.assert(
      fc.property(text, fc.integer({ min: 1, max: 70 }), (given, width) => {
        const cut = cutText(given, width)
        assert.ok(textWidth(cut) <= width)
        assert.ok(cut === given || given.startsWith(cut.slice(0, -1)))
      }),
    )
  })

  test('that is wrapped loses nothing and fits', () => {
    fc.assert(
      fc.property(text, fc.integer({ min: 2, max: 70 }), (given, width) => {
        const lines = wrapText(given, width)
        for (const line of lines) assert.ok(textWidth(line) <= width, line)
        assert.equal(lines.join('').replaceAll(' ', ''), given.replaceAll(' ', ''))
      }),
    )
  })
})

suite('a table', () => {
  test('is aligned in columns, also with wide characters', () => {
    assert.deepEqual(
      table([
        ['A', 'B'],
        ['数据', 'x'],
        ['abcde', 'y'],
      ]),
      ['A      B', '数据   x', 'abcde  y'],
    )
  })

  test('fits any width; optional columns are left out first, in their order', () => {
    const rows = [
      ['JOB', 'ONE', 'TWO', 'LAST'],
      ['name-of-a-job', '1', '2', 'text'],
    ]
    const fitted = (width: number) => fitTable(rows, { width, optional: ['TWO', 'ONE'] })
    assert.deepEqual(fitted(29).left, [])
    assert.deepEqual(fitted(28).left, ['TWO'])
    assert.deepEqual(fitted(23).left, ['TWO', 'ONE'])
    assert.deepEqual(fitted(17), {
      lines: ['JOB          LAST', 'name-…a-job  text'],
      left: ['TWO', 'ONE'],
    })
    for (let width = 1; width < 40; width++) for (const line of fitted(width).lines) assert.ok(textWidth(line) <= width)
  })
})
