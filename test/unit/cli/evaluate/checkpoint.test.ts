import assert from 'node:assert/strict'
import { appendFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { before, test } from 'node:test'
import type { Manifest } from '../../../../src/checkpoint/manifest.ts'
import { scoreCheckpoint } from '../../../../src/cli/evaluate/checkpoint.ts'
import { type CheckpointFlags, isOfCheckpoint } from '../../../../src/cli/evaluate/checkpoint-flags.ts'
import { silentLog } from '../../../../src/support/log.ts'
import { createTask } from '../../../../src/tasks/registry.ts'
import { selectBackend } from '../../../../src/tensor/backend.ts'
import { makeScenes } from '../../../support/scenes.ts'
import { temporaryFolder } from '../../../support/temporary-folder.ts'
import { writeVoc } from '../../../support/voc-files.ts'
import { inside, png, writeImages } from '../../data/builders.ts'
import { writeCheckpoint } from '../../evaluator/builders.ts'
import { INPUT } from '../../input/builders.ts'
import { buildModel, config, drawAll, drawValues } from '../../models/builders.ts'
import { makeConfig } from '../../ps/fixtures.ts'
import { capture } from '../io.ts'

const root = temporaryFolder()
const NAMES = ['ant', 'bee', 'cat']
const CLASSES = NAMES.map((name, id) => ({ id, name, parents: [] }))
const TASK: NonNullable<Manifest['task']> = {
  type: 'imagenet-classification',
  options: { classes: 3, headSlices: 1 },
  input: INPUT.input,
}
const MODEL = { backbone: 'resnet-mini', variant: 'slim', batchNormEpsilon: 1e-3 }

before(async () => void (await selectBackend('wasm', silentLog)))

/** A model that always answers `ant`, and six images of which three are ants. */
async function prepare(
  more: Partial<Manifest> = { task: TASK, model: MODEL },
  classes: typeof CLASSES | null = CLASSES,
) {
  const data = inside(root)
  const files = ['ant/1', 'ant/2', 'ant/3', 'bee/1', 'bee/2', 'cat/1']
  const pictures = await Promise.all(files.map(async (name, i) => [`${name}.png`, await png(40 * i)] as const))
  await writeImages(data, Object.fromEntries(pictures))
  const model = buildModel(config({ classes: 3, loss: 'softmax' }))
  const { variables } = model
  const values = drawAll(model, 1)
  values.set('head/slice_0/bias', Float32Array.of(1000, 0, 0))
  const { folder, digest } = await writeCheckpoint(inside(root), 70, {
    variables,
    values,
    classes: classes ?? undefined,
    more,
  })
  return { data, checkpoint: folder, digest, batchSize: 4 }
}

async function score(flags: CheckpointFlags) {
  const { io, written } = capture()
  assert.equal(await scoreCheckpoint({ ...flags, json: true }, io), 0)
  return { ...JSON.parse(written.out), err: written.err }
}

const RESIZED = { resize: 10, crop: 8 }

test('a checkpoint is scored with what its manifest says, and no further option', async () => {
  const { digest, ...flags } = await prepare()
  const { err, ...result } = await score(flags)
  const { loss, ...metrics } = result.metrics
  assert.deepEqual(metrics, { top1: 0.5, top5: 1 })
  assert.ok(loss > 100)
  assert.deepEqual(
    { ...result, metrics: {} },
    {
      checkpoint: { folder: flags.checkpoint, step: 70, digest },
      task: 'imagenet-classification',
      model: { backbone: 'resnet-mini', variant: 'slim' },
      metrics: {},
      examples: 6,
      warnings: [],
    },
  )
  assert.match(err, /6 of 6 images \(100%\)/)
  const newest = await score({ ...flags, checkpoint: dirname(flags.checkpoint) })
  assert.equal(newest.checkpoint.folder, flags.checkpoint)
})

test('the text has a column for the reduced set; paths are relative to the working folder', async () => {
  const { digest, ...flags } = await prepare()
  const list = join(inside(root), 'list.tsv')
  await writeFile(list, 'ant/1.png\tx\nnone\n')
  const { io, written } = capture()
  assert.equal(await scoreCheckpoint({ ...flags, exclude: list }, io), 0)
  const lines = written.out.split('\n')
  assert.equal(lines[0], `${flags.checkpoint}: step 70, sha256:${digest.slice(0, 12)}`)
  assert.equal(lines[1], 'imagenet-classification, resnet-mini (variant slim)')
  assert.match(lines[2] ?? '', /^ +all +reduced$/)
  assert.match(lines[3] ?? '', /^top1 +0\.5000 +0\.4000$/)
  assert.match(lines[6] ?? '', /^images +6 +5$/)
  assert.match(written.err, /warning: excluded ids are not in the set; unknown 1; listed 2; first "none"/)
})

test('a sample is that of the seed of the job, unless another is given', async () => {
  const { digest, ...flags } = await prepare()
  const [ofJob, given, other] = [
    await score({ ...flags, maxExamples: 2 }),
    await score({ ...flags, maxExamples: 2, seed: 0 }),
    await score({ ...flags, maxExamples: 2, seed: 9 }),
  ]
  assert.deepEqual([ofJob.examples, ofJob.metrics], [2, given.metrics])
  assert.notDeepEqual(other.metrics, ofJob.metrics)
})

test('an older checkpoint needs its task; the rest follows from its variables, with warnings', async () => {
  const { digest, ...flags } = await prepare({})
  await assert.rejects(score(flags), {
    code: 'CHECKPOINT_NO_TASK',
    message: /add --task, one of multi-label, imagenet-cl/,
  })
  const { metrics, model, warnings } = await score({ ...flags, ...RESIZED, task: TASK.type })
  assert.equal(metrics.top1, 0.5)
  assert.equal(model.backbone, 'resnet-mini')
  assert.match(
    warnings.join('\n'),
    /variant of its network: slim is assumed\n.*batch norm epsilon: 0\.00001 is assumed/,
  )
})

test('an imported checkpoint needs its task alone; its variant and epsilon are used', async () => {
  const { digest, ...flags } = await prepare({ model: { ...MODEL, variant: 'torchvision' } })
  const imported = { ...flags, task: TASK.type }
  const { metrics, model, warnings } = await score(imported)
  assert.deepEqual([metrics.top1, model.variant, warnings], [0.5, 'torchvision', []])
  const other = await prepare({ model: MODEL })
  const { metrics: slim } = await score({ ...other, resize: 256, crop: 224, task: TASK.type })
  assert.notEqual(slim.loss, metrics.loss, 'the variants compute different outputs from the same weights')
})

test('another task, backbone, variant or number of classes is refused; the message names both', async () => {
  const { digest, ...flags } = await prepare()
  const refused = (change: Partial<CheckpointFlags>, code: string, message: RegExp) =>
    assert.rejects(score({ ...flags, ...change }), { code, message })
  const model = 'CHECKPOINT_OTHER_MODEL'
  await refused(
    { task: 'multi-label' },
    'CHECKPOINT_OTHER_TASK',
    /of task imagenet-classification, and --task is multi-l/,
  )
  await refused({ backbone: 'resnet50' }, model, /a checkpoint of resnet-mini, and --backbone is resnet50/)
  await refused({ variant: 'torchvision' }, model, /of variant slim, and --variant is torchvision/)
  await refused({ classes: 4 }, model, /of a model with 3 classes, and --classes is 4/)
  const old = await prepare({})
  const wrong = score({ ...old, task: TASK.type, backbone: 'resnet50' } as CheckpointFlags)
  await assert.rejects(wrong, { code: model, message: /another network than resnet50: / })
  const unknown = await prepare({ task: TASK, model: { backbone: 'vit', variant: 'slim' } })
  await assert.rejects(score(unknown), {
    code: model,
    message: /of vit \(variant slim\); this version knows resnet-mini, /,
  })
})

test('a damaged checkpoint, and a folder without one, are refused by name', async () => {
  const { digest, ...flags } = await prepare()
  await appendFile(join(flags.checkpoint, 'shard-00000-of-00001.safetensors'), 'x')
  await assert.rejects(score(flags), { code: 'CHECKPOINT_TORN', message: /shard-00000-of-00001\.safetensors has/ })
  await assert.rejects(score({ ...flags, checkpoint: flags.data }), { code: 'CHECKPOINT_NO_MANIFEST' })
})

test('classes that differ are refused by name; a missing class is a warning', async () => {
  const { digest, ...flags } = await prepare()
  await rm(join(flags.data, 'cat'), { recursive: true })
  const { warnings } = await score(flags)
  assert.match(warnings.join(), /classes of the job are missing in this data/)
  await rename(join(flags.data, 'bee'), join(flags.data, 'wasp'))
  await assert.rejects(score(flags), { code: 'CLASS_UNKNOWN', message: /^--data: .*"wasp"/ })
})

test('without a list of classes, the data must have a label for each output', async () => {
  const { digest, ...flags } = await prepare({ task: TASK, model: MODEL }, null)
  const { metrics, warnings } = await score(flags)
  assert.equal(metrics.top1, 0.5)
  assert.deepEqual(warnings, [
    'the checkpoint has no list of classes: its 3 outputs are taken for the labels of the data, in order',
  ])
  await rm(join(flags.data, 'cat'), { recursive: true })
  await assert.rejects(score(flags), {
    code: 'CHECKPOINT_NO_CLASSES',
    message: /no list of classes and 3 outputs, .* 2 labels/,
  })
  const labels = join(flags.data, 'labels.json')
  await writeFile(labels, JSON.stringify(CLASSES))
  assert.equal((await score({ ...flags, labels })).examples, 5)
})

test('damaged images are counted in a warning', async () => {
  const { digest, ...flags } = await prepare()
  await writeFile(join(flags.data, 'bee', '2.png'), 'bad')
  const { examples, warnings } = await score(flags)
  assert.equal(examples, 5)
  assert.match(warnings.join(), /damaged images were skipped: 1, the first: .*bee\/2\.png/)
})

test('a folder of several data sets is refused with their names', async () => {
  const above = inside(root)
  const moved = await prepare()
  await rename(moved.data, join(above, 'val'))
  await assert.rejects(score({ ...moved, data: above }), { code: 'DATA_SEVERAL', message: /give one of .*val$/ })
})

test('an interruption ends with 130 and prints no score', async () => {
  const { digest, ...flags } = await prepare()
  const { io, written } = capture()
  const code = scoreCheckpoint(flags, io)
  process.emit('SIGINT', 'SIGINT')
  assert.equal(await code, 130)
  assert.deepEqual([written.out, written.err.split('\n').at(-2)], ['', 'stopped'])
})

test('options of both ways, and missing ones, are refused by name', () => {
  const refused = (flags: object, code: string, message: RegExp) =>
    assert.throws(() => isOfCheckpoint(flags), { code, message })
  const alone = { checkpoint: 'a', data: 'b', batchSize: 64 }
  const files = { task: 'multi-label', predictions: 'a', groundTruth: 'b', batchSize: 64 }
  assert.equal(isOfCheckpoint(alone), true)
  assert.equal(isOfCheckpoint({ ...alone, task: 'multi-label', labels: 'l' }), true)
  assert.equal(isOfCheckpoint({ ...files, labels: 'l' }), false)
  refused({ ...alone, predictions: 'p' }, 'OPTIONS_MIXED', /^--checkpoint and --predictions: /)
  refused({ ...files, maxExamples: 5 }, 'OPTIONS_MIXED', /^--max-examples and --predictions: /)
  refused({ checkpoint: 'a' }, 'OPTION_MISSING', /^--data is missing/)
  refused({ predictions: 'a', groundTruth: 'b' }, 'OPTION_MISSING', /^--task is missing/)
  refused({ task: 'multi-label' }, 'OPTION_MISSING', /^--predictions is missing/)
  refused({ batchSize: 64 }, 'OPTION_MISSING', /^--task is missing: --checkpoint and --data score a checkpoint/)
})

test('a checkpoint of masks is scored with its own input, also in the variant of torchvision', async () => {
  const data = inside(root)
  await writeVoc(data, 'val', makeScenes(2, 4))
  const options = { classes: 21, outputStride: 4, rates: [1, 2] }
  const task = { type: 'voc-segmentation', options, input: { maxSidePixels: 65 } }
  const { variables } = await createTask(makeConfig({ task }))
  const values = new Map(variables.map((one) => [one.name, drawValues(one, 1)]))
  values.set('aspp/rate_1/bias', new Float32Array(21).fill(1000, 0, 1)) // it always answers background
  const more = { task, model: { ...MODEL, variant: 'torchvision' } }
  const { folder } = await writeCheckpoint(inside(root), 70, { variables, values, more })
  const flags = { data, checkpoint: folder, batchSize: 4, imageSet: 'Segmentation/val' }
  const { metrics, examples, model } = await score(flags)
  assert.deepEqual(
    [examples, model.variant, Object.keys(metrics)],
    [2, 'torchvision', ['mIOU', 'pixelAccuracy', 'loss']],
  )
  assert.ok(metrics.pixelAccuracy > 0.4 && metrics.pixelAccuracy < 1, JSON.stringify(metrics))
})
