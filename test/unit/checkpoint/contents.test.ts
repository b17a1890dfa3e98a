import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Contents } from '../../../src/checkpoint/contents.ts'
import { storedVariable } from '../../../src/support/variables.ts'
import { makeLayout } from '../../../src/wire/layout.ts'
import { variable } from '../ps/fixtures.ts'

const layout = makeLayout([
  variable('w', 0, { shape: [2, 3] }),
  variable('b', 1),
  variable('m', 0, { shape: [4], kind: 'statistic' }),
])
/** All that is not in parts. */
const REST = { b: [1], m: [4] }

/** @param files the shapes of tensors by name, for each file */
function check(...files: Record<string, number[]>[]): void {
  const contents = new Contents({ layout: { ...layout, variables: layout.variables.map(storedVariable) } })
  for (const [i, tensors] of files.entries()) {
    const filled = Object.entries(tensors).map(([name, shape]) => {
      const data = new Float32Array(shape.reduce((product, dim) => product * dim, 1))
      return [name, { shape, data }] as const
    })
    contents.add(`file-${i}`, new Map(filled))
  }
  contents.finish('folder')
}

describe('the parts of a variable', () => {
  test('are complete if they contain each of its values once, in any files', () => {
    check({ w: [2, 3], ...REST })
    check({ 'w[4:6]': [2], ...REST }, { 'w[0:3]': [3] }, { 'w[3:4]': [1] })
    const slot = { 'optimizer.rms:w[0:5]': [5], 'optimizer.rms:b': [1] }
    check({ 'w[0:5]': [5], ...slot, ...REST }, { 'w[5:6]': [1], 'optimizer.rms:w[5:6]': [1] })
  })

  for (const [what, message, ...files] of [
    ['a gap', /no shard contains 'w'/, { 'w[0:2]': [2] }, { 'w[3:6]': [3] }],
    ['a missing end', /no shard contains 'w'/, { 'w[0:5]': [5] }],
    ['a value twice', /'w\[2:6\]' is in two shards/, { 'w[0:3]': [3] }, { 'w[2:6]': [4] }],
    ['the whole variable beside them', /'w' is in two shards/, { 'w[0:6]': [6] }, { w: [2, 3] }],
    ['a value beyond the variable', /'w\[0:7\]' is outside of the 6 values/, { 'w[0:7]': [7] }],
    ['no value', /'w\[3:3\]' is outside/, { 'w[3:3]': [0] }],
    ['another shape', /'w\[0:6\]' has shape \[2,3\]/, { 'w[0:6]': [2, 3] }],
    ['an unknown variable', /'v\[0:6\]' is not a variable/, { 'v[0:6]': [6] }],
    ['a slot with a gap', /no shard contains 'optimizer.rms:w'/, { w: [2, 3], 'optimizer.rms:w[1:6]': [5] }],
    ['a slot of a statistic', /a variable that is statistic/, { w: [2, 3], 'optimizer.rms:m[0:4]': [4] }],
  ] as [string, RegExp, ...Record<string, number[]>[]][])
    test(`are damaged if there is ${what}`, () => {
      assert.throws(() => check(...files, REST), { code: 'CHECKPOINT_CORRUPT', message })
    })
})
