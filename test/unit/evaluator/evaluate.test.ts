import assert from 'node:assert/strict'
import promises, { cp, rename, rm, writeFile } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { join, relative } from 'node:path'
import { before, test } from 'node:test'
import type { RuntimeConfig } from '../../../src/contract/runtime.ts'
import type { ClassLabels, Dataset } from '../../../src/data/dataset.ts'
import { classDataset } from '../../../src/data/labelled-dataset.ts'
import { createLabelMap } from '../../../src/data/labels.ts'
import { type EvaluateOptions, evaluateCheckpoint } from '../../../src/evaluator/evaluate.ts'
import { openEvaluationSet } from '../../../src/evaluator/evaluation-set.ts'
import { silentLog } from '../../../src/support/log.ts'
import { selectBackend } from '../../../src/tensor/backend.ts'
import { tf } from '../../../src/tensor/tf.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { inside, png, writeImages } from '../data/builders.ts'
import { INPUT } from '../input/builders.ts'
import { buildModel, config, drawAll } from '../models/builders.ts'
import { writeCheckpoint } from './builders.ts'

const root = temporaryFolder()
const CLASSES = 3
const SEED = 0

before(async () => void (await selectBackend('wasm', silentLog)))

type Evaluation = NonNullable<RuntimeConfig['evaluation']>

async function optionsOf(
  evaluation: Partial<Evaluation> = {},
): Promise<EvaluateOptions & { values: Map<string, Float32Array>; evaluationDir: string }> {
  const folder = inside(root)
  const images = {
    'a/1.png': await png(250),
    'a/2.png': await png(120),
    'b/1.png': await png(0),
    'c/1.png': await png(60),
  }
  const data = await writeImages(folder, images)
  const given: Evaluation = { data, metric: { name: 'top1', better: 'higher' }, batchSize: 3, ...evaluation }
  const model = buildModel(config({ classes: CLASSES, loss: 'softmax' }))
  const values = drawAll(model, 1)
  const checkpoint = await writeCheckpoint(inside(root), 100, { variables: model.variables, values })
  const task = { type: 'imagenet-classification', options: { classes: CLASSES, headSlices: 1 }, input: INPUT.input }
  return {
    ...checkpoint,
    evaluationDir: folder,
    set: await openEvaluationSet(folder, { task, evaluation: given, seed: SEED }, silentLog),
    config: { evaluation: given, task },
    task: model.task,
    signal: new AbortController().signal,
    values,
  }
}

/** Scores a checkpoint on the current content of the folder. */
async function reopened<O extends { evaluationDir: string; config: EvaluateOptions['config'] }>(options: O) {
  return {
    ...options,
    set: await openEvaluationSet(options.evaluationDir, { ...options.config, seed: SEED }, silentLog),
  }
}

test('a checkpoint that always predicts one class scores the share of that class', async () => {
  const { values, ...options } = await optionsOf()
  values.set('head/slice_0/bias', Float32Array.of(100, 0, 0))
  const checkpoint = await writeCheckpoint(inside(root), 100, { variables: options.task.variables, values })
  const { metrics, examples } = await evaluateCheckpoint({ ...options, ...checkpoint })
  assert.equal(examples, 4)
  assert.equal(metrics.top1, 2 / 4)
  assert.equal(metrics.top5, 1)
})

test('the pictures of a checkpoint are ranked by the probability of their class, with the labels of the set', async () => {
  const { values, ...options } = await optionsOf()
  values.set('head/slice_0/bias', Float32Array.of(100, 0, 0))
  const checkpoint = await writeCheckpoint(inside(root), 100, { variables: options.task.variables, values })
  const found: string[] = []
  await evaluateCheckpoint({
    ...{ ...options, ...checkpoint },
    async onPictures(pictures, labels) {
      for (const { rank, id, score, samples } of pictures) {
        const [{ prediction } = { prediction: undefined }] = samples
        const label = prediction?.type === 'classes' ? prediction.classes[0]?.label : undefined
        found.push(`${rank} ${id} ${score.toFixed(3)} ${labels[label ?? -1]?.name}`)
      }
    },
  })
  assert.deepEqual(found.toSorted(), [
    'best a/1.png 1.000 a',
    'best a/2.png 1.000 a',
    'worst b/1.png 0.000 a',
    'worst c/1.png 0.000 a',
  ])
})

test('the labels of pictures have the skeletons of the evaluation set, also when a checkpoint lists the classes', async () => {
  const { values, ...options } = await optionsOf()
  const skeleton: [number, number][] = [[1, 2]]
  const classes = ['c', 'a', 'b'].map((name, id) => ({ id, name, parents: [] }))
  const checkpoint = await writeCheckpoint(inside(root), 100, { variables: options.task.variables, values, classes })
  const files = options.set.dataset as Dataset<ClassLabels>
  const labels = createLabelMap(files.labels.labels.map((one) => (one.name === 'b' ? { ...one, skeleton } : one)))
  const dataset = classDataset(files, labels, options.evaluationDir)
  let found: unknown
  await evaluateCheckpoint({
    ...{ ...options, ...checkpoint, set: { ...options.set, dataset } },
    async onPictures(_, given) {
      found = given.map(({ id, name, skeleton: of }) => [id, name, of])
    },
  })
  assert.deepEqual(found, [
    [0, 'c', undefined],
    [1, 'a', undefined],
    [2, 'b', skeleton],
  ])
})

/** Scores the same checkpoint with other settings. */
async function scorerOf() {
  const options = await optionsOf()
  const { evaluation } = options.config
  if (!evaluation) throw new Error('no evaluation')
  return async (change: Partial<Evaluation>) => {
    const config = { ...options.config, evaluation: { ...evaluation, ...change } }
    return evaluateCheckpoint(await reopened({ ...options, config }))
  }
}

test('the score does not depend on the batch size, and the example limit is respected', async () => {
  const scoreWith = await scorerOf()
  const [one, three] = [await scoreWith({ batchSize: 1 }), await scoreWith({ batchSize: 3 })]
  assert.ok(Math.abs(Number(one.metrics.loss) - Number(three.metrics.loss)) < 1e-4)
  assert.equal((await scoreWith({ maxExamples: 2 })).examples, 2)
})

test('with a list of excluded images, one pass gives the scores with and without them', async () => {
  const { values, ...options } = await optionsOf()
  values.set('head/slice_0/bias', Float32Array.of(100, 0, 0))
  await writeFile(join(options.evaluationDir, 'list.txt'), '# of class a\na/1.png\ttrain/7\tdhash\t2\n')
  const { evaluation } = options.config
  const config = { ...options.config, evaluation: { ...(evaluation as Evaluation), exclude: 'list.txt', batchSize: 2 } }
  const checkpoint = await writeCheckpoint(inside(root), 100, { variables: options.task.variables, values })
  const seen: number[] = []
  const onProgress = (examples: number) => seen.push(examples)
  const score = await evaluateCheckpoint({ ...(await reopened({ ...options, config })), ...checkpoint, onProgress })
  assert.deepEqual([score.examples, score.metrics.top1], [4, 2 / 4])
  assert.deepEqual([score.reduced?.examples, score.reduced?.metrics.top1], [3, 1 / 3])
  assert.deepEqual(seen, [2, 4, 4])
})

test('the reduced scores equal the scores of a set without the excluded images', async () => {
  const options = await optionsOf()
  await writeFile(join(options.evaluationDir, 'list.txt'), 'a/2.png\nc/1.png\n')
  const { evaluation } = options.config
  const config = { ...options.config, evaluation: { ...(evaluation as Evaluation), exclude: 'list.txt' } }
  const { reduced, ...whole } = await evaluateCheckpoint(await reopened({ ...options, config }))
  assert.deepEqual(await evaluateCheckpoint(await reopened(options)), whole)
  const classes = ['a', 'b', 'c'].map((name, id) => ({ id, name, parents: [] }))
  const more = { variables: options.task.variables, values: options.values, classes }
  const checkpoint = await writeCheckpoint(inside(root), 100, more)
  await rm(join(options.evaluationDir, 'a', '2.png'))
  await rm(join(options.evaluationDir, 'c'), { recursive: true })
  assert.deepEqual(await evaluateCheckpoint({ ...(await reopened(options)), ...checkpoint }), reduced)
})

test('scoring leaks no tensor, also if it fails', async () => {
  const options = await optionsOf()
  const before = tf.memory().numTensors
  await evaluateCheckpoint(options)
  await assert.rejects(evaluateCheckpoint({ ...options, signal: AbortSignal.abort() }), { name: 'AbortError' })
  assert.equal(tf.memory().numTensors, before)
})

test('a checkpoint whose digest differs from the listed one is refused', async () => {
  await assert.rejects(evaluateCheckpoint({ ...(await optionsOf()), digest: 'other' }), {
    code: 'CHECKPOINT_WRONG_DIGEST',
  })
})

test('a checkpoint of another model is refused with the variable that it lacks', async () => {
  const options = await optionsOf()
  const { task } = buildModel(config({ classes: CLASSES + 1, loss: 'softmax' }))
  await assert.rejects(evaluateCheckpoint({ ...options, task }), {
    code: 'CHECKPOINT_INCOMPLETE',
    message: /variable head\/slice_0\/weights: expected 512 values \(128×4\), found 384 values/,
  })
})

test('a perfect model scores 1 on a set that lacks a class of the job', async () => {
  const { values, ...options } = await optionsOf()
  await rm(join(options.evaluationDir, 'a'), { recursive: true })
  await rm(join(options.evaluationDir, 'b'), { recursive: true })
  values.set('head/slice_0/bias', Float32Array.of(0, 0, 100))
  const classes = ['a', 'b', 'c'].map((name, id) => ({ id, name, parents: [] }))
  const { variables } = options.task
  const again = await reopened(options)
  const scored = async (more: object) => {
    const checkpoint = await writeCheckpoint(inside(root), 100, { variables, values, ...more })
    return (await evaluateCheckpoint({ ...again, ...checkpoint })).metrics.top1
  }
  assert.equal(await scored({ classes }), 1)
  assert.equal(await scored({}), 0, 'without a list of classes the only class gets id 0')
})

test('a set with a class that the checkpoint was not trained on is refused by name', async () => {
  const { values, ...options } = await optionsOf()
  await rename(join(options.evaluationDir, 'a'), join(options.evaluationDir, 'zant'))
  const classes = ['a', 'b', 'c'].map((name, id) => ({ id, name, parents: [] }))
  const more = { variables: options.task.variables, values, classes }
  const checkpoint = await writeCheckpoint(inside(root), 100, more)
  const again = await reopened(options)
  await assert.rejects(evaluateCheckpoint({ ...again, ...checkpoint }), { code: 'CLASS_UNKNOWN', message: /"zant"/ })
})

test('a checkpoint without a list is not scored on a set with more labels than the model has classes', async () => {
  const options = await optionsOf()
  await rename(join(options.evaluationDir, 'a'), join(options.evaluationDir, 'd'))
  await cp(join(options.evaluationDir, 'd'), join(options.evaluationDir, 'e'), { recursive: true })
  await assert.rejects(evaluateCheckpoint(await reopened(options)), {
    code: 'LABELS_TOO_MANY',
    message: /the evaluation set has 4 labels, spec.task.classes is 3$/,
  })
})

test('a set without a readable image is an error, not a score', async () => {
  const options = await optionsOf()
  const data = await writeImages(options.evaluationDir, {
    'a/1.png': Buffer.from('bad'),
    'a/2.png': Buffer.from('bad'),
    'b/1.png': Buffer.from('bad'),
    'c/1.png': Buffer.from('bad'),
  })
  const evaluation: Evaluation = {
    data: { ...data, maxCorruptRecords: 9 },
    metric: { name: 'top1', better: 'higher' },
    batchSize: 2,
  }
  await assert.rejects(evaluateCheckpoint({ ...options, config: { ...options.config, evaluation } }), {
    code: 'DATA_EMPTY',
    message: /the evaluation set holds no example that can be used/,
  })
})

test('the evaluation set is listed once, however many checkpoints are scored', async (t) => {
  const options = await optionsOf()
  const listed: string[] = []
  const { readdir } = promises
  t.mock.method(promises, 'readdir', (...args: Parameters<typeof readdir>) => {
    listed.push(relative(options.evaluationDir, String(args[0])))
    return readdir(...args)
  })
  syncBuiltinESMExports()
  try {
    const again = await reopened(options)
    const classes = ['a', 'b', 'c'].map((name, id) => ({ id, name, parents: [] }))
    for (const step of [100, 200, 300]) {
      const { variables } = options.task
      const checkpoint = await writeCheckpoint(inside(root), step, { variables, values: options.values, classes })
      assert.equal((await evaluateCheckpoint({ ...again, ...checkpoint })).examples, 4)
    }
  } finally {
    t.mock.restoreAll()
    syncBuiltinESMExports()
  }
  assert.deepEqual(listed.sort(), ['', 'a', 'b', 'c'])
})
