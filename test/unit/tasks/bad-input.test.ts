/** Data that a task cannot use, or only partly: what training and scoring say of it, in small folders of each format. */
import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import type { DataConfig, TaskConfig } from '../../../src/contract/runtime.ts'
import type { AnnotatedObject } from '../../../src/data/annotations.ts'
import { encodeExample } from '../../../src/data/codecs/example.ts'
import { encodeTfRecord } from '../../../src/data/codecs/tfrecord.ts'
import { openTaskDataset } from '../../../src/data/formats.ts'
import { createLabelMap } from '../../../src/data/labels.ts'
import { objectFeatures } from '../../../src/data/records/object-record.ts'
import { pictureFeatures } from '../../../src/data/records/picture-record.ts'
import { VOC_CLASSES } from '../../../src/data/voc/folder.ts'
import { encodeMask } from '../../../src/data/voc/mask.ts'
import { checkScoring } from '../../../src/evaluator/check-scoring.ts'
import { scoringInput } from '../../../src/evaluator/evaluate.ts'
import { openEvaluationSet } from '../../../src/evaluator/evaluation-set.ts'
import type { Batch } from '../../../src/input/batch.ts'
import { evaluationBatches, trainingBatches } from '../../../src/input/batches.ts'
import { CorruptionCount } from '../../../src/input/corruption-count.ts'
import { createExampleReader } from '../../../src/input/examples.ts'
import { mustHave } from '../../../src/input/must-have.ts'
import { VOID } from '../../../src/scores/index.ts'
import { silentLog } from '../../../src/support/log.ts'
import { KEYPOINTS } from '../../../src/tasks/coco-pose/skeleton.ts'
import { declarationOf, metricOf, type TaskType } from '../../../src/tasks/declarations.ts'
import { createInput } from '../../../src/tasks/registry.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { inside, png, writeRecords } from '../data/builders.ts'
import { epochs, ListedLeases } from '../input/builders.ts'
import { PERSON as LABEL, person } from './coco-pose/builders.ts'

const root = temporaryFolder()
const MAX_DAMAGED = 100

interface Written {
  folder: string
  data: DataConfig
}

interface Size {
  width: number
  height: number
}

interface Outcome {
  samples: number
  damaged: number
}

const INPUTS: Partial<Record<TaskType, object>> = {
  'coco-detection': { shortSidePixels: 32, longSidePixels: 64, padToPixels: 32 },
  'voc-detection': { shortSidePixels: 32, longSidePixels: 64, padToPixels: 32 },
  'coco-pose': { cropHeightPixels: 32, cropWidthPixels: 24, diskRadiusPixels: 3 },
  'voc-segmentation': { maxSidePixels: 65, cropPixels: 33 },
  'imagenet-classification': { resizePixels: 12, cropPixels: 8 },
  'multi-label': { resizePixels: 12, cropPixels: 8 },
}
const OPTIONS: Partial<Record<TaskType, object>> = {
  'coco-pose': {},
  'voc-segmentation': { classes: VOC_CLASSES.length + 1 },
}

function taskOf(type: TaskType): TaskConfig {
  return { type, options: { ...(OPTIONS[type] ?? { classes: 2 }) }, input: { ...INPUTS[type] } }
}

/** What a worker's loader does in the first epoch. */
async function learn(type: TaskType, { folder, data }: Written): Promise<Outcome> {
  const corruption = new CorruptionCount(data.maxCorruptRecords)
  const dataset = await openTaskDataset(declarationOf(type).annotates, folder, data)
  const pipeline = await createInput(taskOf(type), { labels: dataset.labels.labels, folder })
  if (pipeline.needs) await mustHave({ dataset, need: pipeline.needs.learning, where: folder, corruption })
  const reader = createExampleReader(dataset, pipeline.decode, corruption)
  const leases = new ListedLeases(epochs(dataset.units.length, 1))
  // Of an earlier batch, in memory that is used again.
  const memory = { take: (values: number) => new Float32Array(values).fill(Number.NaN) }
  const samples = await drawn(trainingBatches(reader, pipeline, 1, 3, leases, { memory }))
  return { samples, damaged: corruption.count }
}

/** What the evaluator does at its start, and with the first checkpoint. */
async function score(type: TaskType, { folder, data }: Written): Promise<Outcome> {
  const task = taskOf(type)
  const evaluation = { data, metric: metricOf(type), batchSize: 2 }
  const set = await openEvaluationSet(folder, { task, evaluation, seed: 0 }, silentLog)
  await checkScoring({ task, evaluation }, set, { signal: new AbortController().signal })
  const pipeline = await scoringInput({ task, evaluation }, set)
  const corruption = new CorruptionCount(data.maxCorruptRecords)
  const reader = createExampleReader(set.dataset, pipeline.decode, corruption)
  return { samples: await drawn(evaluationBatches(reader, pipeline, 2)), damaged: corruption.count }
}

/** @returns the number of samples, all of whose pixels are finite */
async function drawn(batches: AsyncIterable<Batch<unknown>>): Promise<number> {
  let samples = 0
  for await (const { images, targets } of batches) {
    assert.ok(images.every(Number.isFinite), 'a pixel is not finite')
    samples += targets.length
  }
  return samples
}

interface CocoPicture extends Size {
  objects?: object[]
}

const DOG = { category_id: 3, bbox: [2, 2, 8, 8], area: 64, iscrowd: 0 }
const LABELLED = KEYPOINTS.flatMap((_, k) => [2 + (k % 4), 2 + (k % 5), 2])
const PERSON = { ...DOG, category_id: 1, keypoints: LABELLED, num_keypoints: 17 }
const CATEGORIES = [
  { id: 1, name: 'person', keypoints: KEYPOINTS },
  { id: 3, name: 'dog' },
]

async function coco(pictures: readonly CocoPicture[], categories: readonly object[] = CATEGORIES): Promise<Written> {
  const folder = inside(root)
  await mkdir(join(folder, 'annotations'))
  await mkdir(join(folder, 'images'))
  const images = pictures.map(({ width, height }, i) => ({ id: i + 1, file_name: `${i}.png`, width, height }))
  const annotations = pictures
    .flatMap(({ objects = [] }, i) => objects.map((object) => ({ ...object, image_id: i + 1 })))
    .map((object, i) => ({ id: i + 1, ...object }))
  await writeFile(join(folder, 'annotations', 'set.json'), JSON.stringify({ images, annotations, categories }))
  for (const [i, { width, height }] of pictures.entries())
    await writeFile(join(folder, 'images', `${i}.png`), await png(100 + i, width, height))
  const data = { format: 'coco', annotations: 'annotations/set.json', images: 'images' } as const
  return { folder, data: { path: '.', ...data, maxCorruptRecords: MAX_DAMAGED } }
}

interface VocPicture extends Size {
  /** xmin, ymin, xmax, ymax. */
  boxes?: readonly (readonly number[])[]
  difficult?: boolean
  name?: string
  mask?: Size & { classes: Uint8Array }
}

async function voc(kind: 'Main' | 'Segmentation', pictures: readonly VocPicture[]): Promise<Written> {
  const folder = inside(root)
  for (const name of ['Annotations', 'JPEGImages', 'SegmentationClass', `ImageSets/${kind}`])
    await mkdir(join(folder, name), { recursive: true })
  await writeFile(join(folder, 'ImageSets', kind, 'set.txt'), pictures.map((_, i) => `p${i}\n`).join(''))
  for (const [i, picture] of pictures.entries()) {
    const { width, height, mask } = picture
    await writeFile(join(folder, 'JPEGImages', `p${i}.png`), await png(100 + i, width, height))
    await writeFile(join(folder, 'Annotations', `p${i}.xml`), xmlOf(picture))
    if (mask) await writeFile(join(folder, 'SegmentationClass', `p${i}.png`), encodeMask(mask))
  }
  return { folder, data: { path: '.', format: 'voc', imageSet: `${kind}/set`, maxCorruptRecords: MAX_DAMAGED } }
}

function xmlOf({ width, height, boxes = [], difficult = false, name = 'dog' }: VocPicture): string {
  const objects = boxes.map(([xmin, ymin, xmax, ymax]) => {
    const edges = `<xmin>${xmin}</xmin><ymin>${ymin}</ymin><xmax>${xmax}</xmax><ymax>${ymax}</ymax>`
    return `<object><name>${name}</name><difficult>${Number(difficult)}</difficult><bndbox>${edges}</bndbox></object>`
  })
  return `<annotation><size><width>${width}</width><height>${height}</height></size>${objects.join('')}</annotation>`
}

const masked = (size: Size, value: number, of: Size = size) => ({
  ...size,
  mask: { ...of, classes: new Uint8Array(of.width * of.height).fill(value) },
})

const SQUARE = { width: 20, height: 20 }
const DOT = { width: 1, height: 1 }
const LINE = { width: 300, height: 1 }
const ok = (samples: number, damaged = 0): Outcome => ({ samples, damaged })

/** A code with the text that the message must have, or how much remains. */
type Expected = Outcome | readonly [code: string, message: RegExp]

interface Case {
  name: string
  tasks: readonly TaskType[]
  write: () => Promise<Written>
  learned: Expected
  scored: Expected
}

const NO_OBJECTS = ['DATA_NO_OBJECTS', /none of its \d pictures has/] as const
const BOTH: readonly TaskType[] = ['coco-detection', 'voc-detection']

const DETECTION: readonly Case[] = [
  {
    name: 'pictures without objects',
    tasks: BOTH,
    write: () => coco([SQUARE, SQUARE]),
    learned: ['DATA_NO_OBJECTS', /none of its 2 pictures has an object that can be learned: crowds/],
    scored: ['DATA_NO_OBJECTS', /^spec.evaluation.data: .*none of its 2 pictures has an object that is scored: crowds/],
  },
  {
    name: 'crowds alone',
    tasks: BOTH,
    write: () => coco([{ ...SQUARE, objects: [{ ...DOG, iscrowd: 1 }] }]),
    learned: NO_OBJECTS,
    scored: NO_OBJECTS,
  },
  {
    name: 'difficult objects alone, which only VOC leaves out of the scores',
    tasks: ['voc-detection'],
    write: () => voc('Main', [{ ...SQUARE, boxes: [[2, 2, 9, 9]], difficult: true }]),
    learned: NO_OBJECTS,
    scored: NO_OBJECTS,
  },
  {
    name: 'difficult objects alone, which COCO scores',
    tasks: ['coco-detection'],
    write: () => voc('Main', [{ ...SQUARE, boxes: [[2, 2, 9, 9]], difficult: true }]),
    learned: NO_OBJECTS,
    scored: ok(1),
  },
  {
    name: 'boxes that vanish when the picture is resized',
    tasks: BOTH,
    write: () =>
      coco([
        {
          width: 400,
          height: 400,
          objects: [
            { ...DOG, bbox: [9, 9, 10, 200] },
            { ...DOG, bbox: [9, 9, 200, 0] },
          ],
        },
        {
          ...SQUARE,
          objects: [
            { ...DOG, bbox: [25, 2, 9, 9] },
            { ...DOG, bbox: [-9, -9, 9, 9] },
          ],
        },
      ]),
    learned: NO_OBJECTS,
    scored: ok(2),
  },
  {
    name: 'a picture without objects after one with an object, and one whose boxes vanish',
    tasks: BOTH,
    write: () =>
      coco([{ ...SQUARE, objects: [DOG] }, SQUARE, { ...SQUARE, objects: [{ ...DOG, bbox: [19, 0, 9, 0] }] }]),
    learned: ok(3),
    scored: ok(3),
  },
  {
    name: 'pictures of a pixel and of a line',
    tasks: BOTH,
    write: () =>
      coco([
        { ...DOT, objects: [{ ...DOG, bbox: [0, 0, 1, 1] }] },
        { ...LINE, objects: [{ ...DOG, bbox: [9, 0, 99, 1] }] },
      ]),
    learned: ok(2),
    scored: ok(2),
  },
  {
    name: 'an object of an unknown category',
    tasks: BOTH,
    write: () =>
      coco([
        { ...SQUARE, objects: [DOG] },
        { ...SQUARE, objects: [{ ...DOG, category_id: 2 }] },
      ]),
    learned: ok(1, 1),
    scored: ok(1, 1),
  },
  {
    name: 'an object whose name is no class',
    tasks: BOTH,
    write: () =>
      voc('Main', [
        { ...SQUARE, boxes: [[2, 2, 9, 9]] },
        { ...SQUARE, boxes: [[2, 2, 9, 9]], name: 'unicorn' },
      ]),
    learned: ok(1, 1),
    scored: ok(1, 1),
  },
]

const OTHER = { keypoints: ['head', 'tail'] }
const FOURTEEN = { ...PERSON, keypoints: LABELLED.slice(0, 3 * 14) }

const POSE: readonly Case[] = [
  {
    name: 'pictures without persons',
    tasks: ['coco-pose'],
    write: () => coco([SQUARE, { ...SQUARE, objects: [DOG] }]),
    learned: ['DATA_NO_OBJECTS', /none of its 2 pictures has a person with labelled keypoints and a box inside/],
    scored: [
      'DATA_NO_OBJECTS',
      /^spec.evaluation.data: .*none of its 2 pictures has a person with labelled keypoints;/,
    ],
  },
  {
    name: 'crowds and persons without labelled keypoints',
    tasks: ['coco-pose'],
    write: () => {
      const { keypoints: _, ...bare } = PERSON
      const unlabelled = { ...PERSON, keypoints: LABELLED.map(() => 0), num_keypoints: 0 }
      return coco([{ ...SQUARE, objects: [{ ...PERSON, iscrowd: 1 }, unlabelled, bare] }])
    },
    learned: NO_OBJECTS,
    scored: NO_OBJECTS,
  },
  {
    name: 'persons outside of the picture, who count as not found',
    tasks: ['coco-pose'],
    write: () => coco([{ ...SQUARE, objects: [{ ...PERSON, bbox: [30, 2, 9, 9] }] }]),
    learned: NO_OBJECTS,
    scored: ok(1),
  },
  {
    name: 'the keypoints of another skeleton',
    tasks: ['coco-pose'],
    write: () =>
      coco(
        [{ ...SQUARE, objects: [{ ...DOG, category_id: 1, keypoints: [1, 1, 2, 3, 3, 2] }] }],
        [{ ...CATEGORIES[0], ...OTHER }],
      ),
    learned: ['DATA_KEYPOINTS', /has 2 keypoints; task coco-pose learns COCO's 17.*"head","tail"/],
    scored: ['DATA_KEYPOINTS', /has 2 keypoints/],
  },
  {
    name: 'categories without keypoints',
    tasks: ['coco-pose'],
    write: () => coco([{ ...SQUARE, objects: [PERSON] }], [{ id: 1, name: 'person' }]),
    learned: ['DATA_KEYPOINTS', /none of its 1 classes has names of keypoints/],
    scored: ['DATA_KEYPOINTS', /none of its 1 classes has names of keypoints/],
  },
  {
    name: 'a person with 14 keypoints',
    tasks: ['coco-pose'],
    write: () =>
      coco([
        { ...SQUARE, objects: [PERSON] },
        { ...SQUARE, objects: [FOURTEEN] },
      ]),
    learned: ok(1, 1),
    scored: ok(1, 1),
  },
  {
    name: 'records of persons with 14 keypoints, beside a label map of 17',
    tasks: ['coco-pose'],
    write: () => poseRecords([person(1, 1, { box: [1, 1, 9, 9], keypoints: LABELLED.slice(0, 3 * 14) })]),
    learned: ['DATA_KEYPOINTS', /x\.tfrecord at byte 0: a person has 14 keypoints, and the label map names 17/],
    scored: ['DATA_KEYPOINTS', /^spec.evaluation.data: .* a person has 14 keypoints/],
  },
  {
    name: 'records in which the 14 keypoints of a person are not labelled',
    tasks: ['coco-pose'],
    write: () =>
      poseRecords(
        [person(1, 1, { box: [1, 1, 9, 9] })],
        [person(1, 1, { box: [1, 1, 9, 9], keypoints: new Array(3 * 14).fill(0) })],
      ),
    learned: ok(1),
    scored: ok(1),
  },
  {
    name: 'records with another size than that of their picture',
    tasks: ['coco-pose'],
    write: () => poseRecordsOf({ width: 40, height: 20 }, [[person(1, 1, { box: [1, 1, 9, 9] })]]),
    learned: ['BAD_DATA', /^image 0: it is annotated for 40×20 pixels, and the picture has another size/],
    scored: ['BAD_DATA', /^image 0: it is annotated for 40×20 pixels/],
  },
  {
    name: 'pictures of a pixel, and keypoints far outside of the crop',
    tasks: ['coco-pose'],
    write: () =>
      coco([
        { ...DOT, objects: [{ ...PERSON, bbox: [0, 0, 1, 1] }] },
        { ...SQUARE, objects: [{ ...PERSON, keypoints: LABELLED.map((value, i) => (i % 3 < 2 ? 1e9 : value)) }] },
      ]),
    learned: ok(2),
    scored: ok(2),
  },
]

/** The objects of each picture. The writer of records takes the keypoints as they are. */
async function poseRecords(...pictures: AnnotatedObject[][]): Promise<Written> {
  return poseRecordsOf(SQUARE, pictures)
}

/** @param size that the records give; the pictures have 20×20 pixels */
async function poseRecordsOf(size: Size, pictures: readonly AnnotatedObject[][]): Promise<Written> {
  const folder = inside(root)
  await writeFile(join(folder, 'labels.json'), JSON.stringify([LABEL]))
  const records = pictures.map(async (objects, i) => {
    const encoded = await png(100 + i, 20, 20)
    const features = {
      ...pictureFeatures({ id: String(i), fileName: `${i}.png`, encoded, format: 'png', ...size }),
      ...(await objectFeatures({ ...size, objects }, createLabelMap([LABEL]), false)),
    }
    return encodeTfRecord(encodeExample(features))
  })
  await writeFile(join(folder, 'x.tfrecord'), Buffer.concat(await Promise.all(records)))
  return { folder, data: { path: '.', format: 'tfrecord-detection', maxCorruptRecords: MAX_DAMAGED } }
}

const SEGMENTATION: readonly Case[] = [
  {
    name: 'masks that are void',
    tasks: ['voc-segmentation'],
    write: () => voc('Segmentation', [masked(SQUARE, VOID), masked(SQUARE, VOID)]),
    learned: ['DATA_ALL_VOID', /none of its 2 pictures has a mask with a class/],
    scored: ['DATA_ALL_VOID', /^spec.evaluation.data: .*none of its 2 pictures has a mask with a class/],
  },
  {
    name: 'a void mask, and pictures smaller than the crop',
    tasks: ['voc-segmentation'],
    write: () => voc('Segmentation', [masked(SQUARE, VOID), masked(DOT, 3), masked(LINE, 0)]),
    learned: ok(3),
    scored: ok(3),
  },
  {
    name: 'a mask of another size than its picture',
    tasks: ['voc-segmentation'],
    write: () => voc('Segmentation', [masked(SQUARE, 1), masked(SQUARE, 1, { width: 20, height: 19 })]),
    learned: ok(1, 1),
    scored: ok(1, 1),
  },
  {
    name: 'no mask of the size of its picture',
    tasks: ['voc-segmentation'],
    write: () => voc('Segmentation', [masked(SQUARE, 1, { width: 20, height: 19 })]),
    learned: ['DATA_EMPTY', /has no picture that can be used; 1 are damaged, the first: .*p0\.png/],
    scored: ['DATA_EMPTY', /none of its 1 parts has a usable example/],
  },
  {
    name: 'a mask with a class too many',
    tasks: ['voc-segmentation'],
    write: () => voc('Segmentation', [masked(SQUARE, 20), masked(SQUARE, 21)]),
    learned: ok(1, 1),
    scored: ok(1, 1),
  },
]

const LABELS: readonly Case[] = [
  {
    name: 'records without a label',
    tasks: ['imagenet-classification', 'multi-label'],
    write: async () => {
      const folder = inside(root)
      return { folder, data: await writeRecords(folder, [[{ id: 'a', labels: [] }], [{ id: 'b', labels: [] }]]) }
    },
    learned: ['DATA_NO_LABELS', /none of its 2 pictures has a class label/],
    scored: ['DATA_NO_LABELS', /^spec.evaluation.data: .*none of its 2 pictures has a class label/],
  },
  {
    name: 'pictures of a pixel, and a record without a label',
    tasks: ['imagenet-classification', 'multi-label'],
    write: async () => {
      const folder = inside(root)
      const encoded = await png(3, 1, 1)
      return {
        folder,
        data: await writeRecords(folder, [
          [
            { id: 'a', labels: [] },
            { id: 'b', labels: [1], encoded },
          ],
        ]),
      }
    },
    learned: ok(2),
    scored: ok(2),
  },
]

async function check(outcome: Promise<Outcome>, expected: Expected): Promise<void> {
  if ('samples' in expected) return assert.deepEqual(await outcome, expected)
  const [code, message] = expected
  await assert.rejects(outcome, { code, message })
}

suite('a data set with', () => {
  for (const { name, tasks, write, learned, scored } of [...DETECTION, ...POSE, ...SEGMENTATION, ...LABELS])
    for (const type of tasks)
      test(`${name}, for ${type}`, async () => {
        const written = await write()
        await check(learn(type, written), learned)
        await check(score(type, written), scored)
      })
})

/** The evaluator's start with a data set of two pictures, of which the first has an object. */
async function startWith(more: { exclude?: string; maxExamples?: number }, seed = 0): Promise<void> {
  const { folder, data } = await coco([{ ...SQUARE, objects: [DOG] }, SQUARE])
  await writeFile(join(folder, 'near.tsv'), '1\n')
  const task = taskOf('coco-detection')
  const evaluation = { data, metric: metricOf('coco-detection'), batchSize: 2, ...more }
  const set = await openEvaluationSet(folder, { task, evaluation, seed }, silentLog)
  await checkScoring({ task, evaluation }, set, { signal: new AbortController().signal })
}

test('an evaluation set whose only objects are excluded is refused at the start', async () => {
  const message = /none of its 1 pictures that are not excluded has an object/
  await assert.rejects(startWith({ exclude: 'near.tsv' }), { code: 'DATA_NO_OBJECTS', message })
})

test('a sample of an evaluation set is refused at the start if it has no object', async () => {
  const outcomes = await Promise.allSettled(
    Array.from({ length: 12 }, (_, seed) => startWith({ maxExamples: 1 }, seed)),
  )
  const refused = outcomes.flatMap((one) => (one.status === 'rejected' ? [String(one.reason)] : []))
  assert.ok(refused.length > 0 && refused.length < outcomes.length, `${refused.length} of ${outcomes.length}`)
  for (const message of refused) assert.match(message, /none of its 1 pictures has an object/)
})
