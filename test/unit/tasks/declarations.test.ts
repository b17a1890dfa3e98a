import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { test } from 'node:test'
import { DECLARATIONS, metricOf } from '../../../src/tasks/declarations.ts'
import { TASK_CASES, taskOf } from './cases.ts'

for (const { type, metrics } of DECLARATIONS)
  test(`${type} scores what it declares, and nothing else`, async () => {
    const { predictions, targets } = TASK_CASES[type]
    const scorer = (await taskOf(type)).scorer()
    scorer.add(predictions, targets)
    assert.deepEqual(
      Object.keys(scorer.result()),
      metrics.map(({ name }) => name),
    )
  })

test('the first metric of a task is its headline, others are chosen by name', () => {
  assert.deepEqual(metricOf('multi-label'), { name: 'mAP@100', better: 'higher' })
  assert.deepEqual(metricOf('multi-label', 'loss'), { name: 'loss', better: 'lower' })
})

test('a task or a metric that nothing declares is refused', () => {
  assert.throws(() => metricOf('horoscope'), { code: 'CONFIG_INVALID' })
  assert.throws(() => metricOf('multi-label', 'top1'), { code: 'CONFIG_INVALID' })
})

const IMPORT = /(?:\bfrom\s*|\b(?:import|require)\(?\s*)['"]([^'"]+)['"]/g
const TYPES = /\b(?:import|export) type\b[^;'"]*['"][^'"]+['"]/g

/** Every module that a program loads at some time: of ours by its path, of others by name. */
function reach(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return seen
  seen.add(file)
  const text = readFileSync(file, 'utf8').replace(TYPES, '')
  for (const [, name = ''] of text.matchAll(IMPORT)) {
    if (!name.startsWith('.')) seen.add(name)
    else if (name.endsWith('.ts')) reach(normalize(join(dirname(file), name)), seen)
  }
  return seen
}

test('the operator loads of tasks their declarations alone, for its image has no tensors and no pictures', () => {
  const modules = [...reach('src/cli/operator-main.ts')]
  const ofTasks = modules.filter((path) => path.startsWith('src/tasks/'))
  assert.ok(ofTasks.length > DECLARATIONS.length, 'found the declarations')
  assert.deepEqual(
    ofTasks.filter((path) => /\/(registry|task|input)\.ts$/.test(path)),
    [],
  )
  assert.deepEqual(
    modules.filter((path) => /^src\/(tensor|models|data)\/|^@tensorflow|^sharp$/.test(path)),
    [],
  )
})

test('the walk above sees what a worker loads', () => {
  const modules = reach('src/worker/main.ts')
  for (const path of ['src/tensor/tf.ts', '@tensorflow/tfjs']) assert.ok(modules.has(path), path)
})
