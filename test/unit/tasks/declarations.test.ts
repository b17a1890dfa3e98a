import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { test } from 'node:test'
import type { TaskDeclaration } from '../../../src/tasks/declaration.ts'
import { DECLARATIONS, metricOf } from '../../../src/tasks/declarations.ts'
import { TASK_CASES, taskOf } from './cases.ts'

for (const { type, metrics } of DECLARATIONS)
  test(`${type} computes exactly the metrics that it declares`, async () => {
    const { predictions, targets } = TASK_CASES[type]
    const scorer = (await taskOf(type)).scorer([])
    scorer.add(predictions, targets)
    assert.deepEqual(
      Object.keys(scorer.result()),
      metrics.map(({ name }) => name),
    )
  })

test('the first metric of a task is the default, others are selected by name', () => {
  assert.deepEqual(metricOf('multi-label'), { name: 'mAP@100', better: 'higher' })
  assert.deepEqual(metricOf('multi-label', 'loss'), { name: 'loss', better: 'lower' })
})

test('a task compares metrics that it declares, besides its headline', () => {
  for (const { type, metrics, compared = [] } of DECLARATIONS as readonly TaskDeclaration[]) {
    const others = metrics.slice(1).map(({ name }) => name)
    assert.deepEqual(
      compared.filter((name) => !others.includes(name)),
      [],
      type,
    )
  }
})

test('an undeclared task or metric is refused', () => {
  assert.throws(() => metricOf('horoscope'), { code: 'CONFIG_INVALID' })
  assert.throws(() => metricOf('multi-label', 'top1'), { code: 'CONFIG_INVALID' })
})

const IMPORT = /(?:\bfrom\s*|\b(?:import|require)\(?\s*)['"]([^'"]+)['"]/g
const TYPES = /\b(?:import|export) type\b[^;'"]*['"][^'"]+['"]/g

/** @returns every module that a program may import: files of src by path, packages by name */
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

test('the operator imports only the declarations of tasks, because its image has neither tfjs nor sharp', () => {
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

test('the import search finds the modules of a worker', () => {
  const modules = reach('src/worker/main.ts')
  for (const path of ['src/tensor/tf.ts', '@tensorflow/tfjs']) assert.ok(modules.has(path), path)
})
