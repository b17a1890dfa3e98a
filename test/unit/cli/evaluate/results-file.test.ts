import assert from 'node:assert/strict'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { scoreCheckpoint } from '../../../../src/cli/evaluate/checkpoint.ts'
import { scoreBoxes } from '../../../../src/cli/evaluate/coco.ts'
import type { Class } from '../../../../src/contract/classes.ts'
import type { TaskConfig } from '../../../../src/contract/runtime.ts'
import { silentLog } from '../../../../src/support/log.ts'
import { createTask } from '../../../../src/tasks/registry.ts'
import { selectBackend } from '../../../../src/tensor/backend.ts'
import { cocoFile, writeCoco } from '../../../support/coco-files.ts'
import { makeScenes, SCENE_CLASSES } from '../../../support/scenes.ts'
import { temporaryFolder } from '../../../support/temporary-folder.ts'
import { inside } from '../../data/builders.ts'
import { writeCheckpoint } from '../../evaluator/builders.ts'
import { drawValues } from '../../models/builders.ts'
import { makeConfig } from '../../ps/fixtures.ts'
import { capture } from '../io.ts'

const root = temporaryFolder()
const SCENES = makeScenes(5, 8)
const ANNOTATIONS = 'annotations/instances_val.json'
const TASK = {
  type: 'coco-detection',
  options: {
    classes: SCENE_CLASSES.length,
    ...{ anchorBase: 24, anchorScales: [1], anchorRatios: [1], proposerChannels: 4, candidates: 50 },
    ...{ proposals: 30, cropSize: 3, cropPool: 1 },
  },
  input: { shortSidePixels: 48, longSidePixels: 64, padToPixels: 16, flip: true },
}
const CLASSES = classesOf(SCENE_CLASSES.toSorted((a, b) => a.id - b.id).map(({ coco }) => coco))

before(async () => void (await selectBackend('wasm', silentLog)))

const POSE = {
  type: 'coco-pose',
  options: { outputStride: 4 },
  input: { cropHeightPixels: 32, cropWidthPixels: 24, diskRadiusPixels: 3 },
}

function classesOf(names: readonly string[]): Class[] {
  return names.map((name, id) => ({ id, name, parents: [] }))
}

interface Prepared {
  readonly task?: TaskConfig
  readonly classes?: Class[]
  readonly annotations?: string
  readonly data?: string
}

/** A network that was never trained, and pictures whose categories have gaps in their ids. */
async function prepare({
  task = TASK,
  classes = CLASSES,
  annotations = ANNOTATIONS,
  data = inside(root),
}: Prepared = {}) {
  await writeCoco(data, 'val', SCENES)
  const { variables } = await createTask(makeConfig({ task }))
  const model = { backbone: 'resnet-mini', variant: 'slim', batchNormEpsilon: 1e-3 }
  const values = new Map(variables.map((one) => [one.name, drawValues(one, 1)] as const))
  const { folder } = await writeCheckpoint(inside(root), 7, {
    variables,
    values,
    classes,
    more: { task, model },
  })
  const out = inside(root)
  return {
    data,
    out,
    flags: {
      checkpoint: folder,
      data,
      batchSize: 2,
      annotations: join(data, annotations),
      predictionsOut: join(out, 'found.json'),
    },
  }
}

async function score(flags: Parameters<typeof scoreCheckpoint>[0]) {
  const { io, written } = capture()
  assert.equal(await scoreCheckpoint({ ...flags, json: true }, io), 0)
  return { ...JSON.parse(written.out), progress: written.err }
}

interface Row {
  image_id: number
  category_id: number
}

async function rowsIn(path: string): Promise<Row[]> {
  return JSON.parse(await readFile(path, 'utf8'))
}

for (const [order, classes] of [
  ['the order of the data', CLASSES],
  ['another order', classesOf(CLASSES.map(({ name }) => name).reverse())],
] as const)
  test(`the file of a detector with classes in ${order} has its scores, under the ids of the data`, async () => {
    const { data, flags } = await prepare({ classes })
    const { metrics } = await score(flags)
    const rows = await rowsIn(flags.predictionsOut)
    assert.deepEqual(new Set(rows.map((row) => row.image_id)), new Set(SCENES.map(({ id }) => id)))
    const categories = new Set(rows.map((row) => row.category_id))
    assert.deepEqual(
      [...categories].sort((a, b) => a - b),
      SCENE_CLASSES.map(({ id }) => id).sort((a, b) => a - b),
    )
    const { summary } = await scoreBoxes({ groundTruth: join(data, ANNOTATIONS), predictions: flags.predictionsOut })
    assert.ok(
      Math.abs((summary.AP as number) - metrics.AP) < 1e-3 &&
        Math.abs((summary.AP50 as number) - metrics['AP@.5']) < 1e-3,
    )
  })

test('persons are found in data that has fewer classes than the job, in another order', async () => {
  const annotations = 'annotations/person_keypoints_val.json'
  const { flags } = await prepare({ task: POSE, classes: classesOf(['bottle', 'person']), annotations })
  const { metrics } = await score(flags)
  assert.ok(metrics.meanOKS >= 0, JSON.stringify(metrics))
  const rows = await rowsIn(flags.predictionsOut)
  assert.deepEqual(new Set(rows.map((row) => row.category_id)), new Set([1]))
})

test('progress and number of images count pictures, of which the pose task has a crop for each person', async () => {
  const { flags } = await prepare({ task: POSE, annotations: 'annotations/person_keypoints_val.json' })
  const { examples, progress } = await score({ ...flags, batchSize: 1 })
  const persons = SCENES.map(({ objects }) => objects.filter(({ keypoints }) => keypoints).length)
  assert.ok(Math.max(...persons) > 1 && persons.includes(0), 'the scenes test it')
  assert.equal(examples, persons.filter((count) => count > 0).length)
  const shares = [...progress.matchAll(/\((\d+)%\)/g)].map(([, share]) => Number(share))
  assert.equal(Math.max(...shares), 100, progress)
})

test('poses are scored at the boxes that a detector has found, from a file inside of the data', async () => {
  const { data, flags } = await prepare()
  const boxes = { ...flags, predictionsOut: join(data, 'found.json') }
  await score(boxes)
  const annotations = 'annotations/person_keypoints_val.json'
  const pose = await prepare({ task: POSE, annotations, data })
  await score({ ...pose.flags, personBoxes: 'found.json' })
  const cropped = (await rowsIn(boxes.predictionsOut)).filter(({ category_id }) => category_id === 1)
  const poses = await rowsIn(pose.flags.predictionsOut)
  assert.deepEqual(new Set(poses.map(({ image_id }) => image_id)), new Set(cropped.map(({ image_id }) => image_id)))
  const outside = { ...pose.flags, predictionsOut: join(pose.out, 'b.json'), personBoxes: boxes.checkpoint }
  await assert.rejects(score(outside), {
    code: 'OPTION_OUTSIDE',
    message: /^--person-boxes: .*: expected a file inside of --data/,
  })
})

test('pictures without objects get a file and a warning instead of a score', async () => {
  const { data, flags } = await prepare()
  await writeFile(join(data, ANNOTATIONS), JSON.stringify({ ...cocoFile(SCENES, 'instances'), annotations: [] }))
  const { metrics, examples, warnings } = await score(flags)
  assert.deepEqual([metrics, examples], [{}, SCENES.length])
  assert.match(warnings.join(), /none of the 5 scored images has an object that counts/)
  assert.ok(JSON.parse(await readFile(flags.predictionsOut, 'utf8')).length > 0)
  const { predictionsOut: _, ...without } = flags
  await assert.rejects(score(without), { code: 'DATA_NO_OBJECTS', message: /^--data: .* is scored: crowds are not$/ })
})

test('an existing file is refused before anything is computed, and a failure leaves nothing behind', async () => {
  const { data, out, flags } = await prepare()
  await writeFile(flags.predictionsOut, 'mine')
  await assert.rejects(score(flags), { code: 'OUTPUT_EXISTS' })
  assert.equal(await readFile(flags.predictionsOut, 'utf8'), 'mine')
  await writeFile(join(data, ANNOTATIONS), JSON.stringify({ ...cocoFile(SCENES, 'instances'), images: [] }))
  await assert.rejects(score({ ...flags, predictionsOut: join(out, 'other.json') }))
  assert.deepEqual(await readdir(out), ['found.json'])
})

test('options of another task are refused by name', async () => {
  const { flags } = await prepare()
  await assert.rejects(score({ ...flags, crop: 30 }), {
    code: 'OPTION_UNUSED',
    message: /--crop: task coco-detection has no input.cropPixels/,
  })
  await assert.rejects(score({ ...flags, personBoxes: join(flags.data, ANNOTATIONS) }), {
    code: 'OPTION_UNUSED',
    message: /--person-boxes: task coco-detection has no input.personBoxes/,
  })
})
