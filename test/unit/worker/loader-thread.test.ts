import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BroadcastChannel } from 'node:worker_threads'
import { type LoaderOptions, openLoader } from '../../../src/input/loader.ts'
import { DECLARATIONS, type TaskType } from '../../../src/tasks/declarations.ts'
import { type CocoKind, writeCoco } from '../../support/coco-files.ts'
import { eventually } from '../../support/eventually.ts'
import { makeScenes } from '../../support/scenes.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { writeVoc } from '../../support/voc-files.ts'
import { inside, records, writeRecords } from '../data/builders.ts'
import { epochs, INPUT, ListedLeases } from '../input/builders.ts'
import { TASK_CASES } from '../tasks/cases.ts'

const root = temporaryFolder()

type Written = Pick<LoaderOptions, 'folder' | 'data'> & { input?: Record<string, unknown> }

/** Writes a data set that each task can learn from. */
const DATA: Readonly<Record<TaskType, () => Promise<Written>>> = {
  'multi-label': classes,
  'imagenet-classification': classes,
  'object-count': classes,
  'coco-detection': () => coco('instances'),
  'coco-pose': () => coco('person_keypoints'),
  'voc-detection': () => voc('Main/train'),
  'voc-segmentation': () => voc('Segmentation/train'),
}

async function classes(): Promise<Written> {
  const folder = inside(root)
  const labelled = records('a', 2).map((record) => ({ ...record, truth: record.labels }))
  return { folder, data: await writeRecords(folder, [labelled]), input: INPUT.input }
}

async function coco(kind: CocoKind): Promise<Written> {
  const folder = inside(root)
  const paths = await writeCoco(folder, 'train', makeScenes(6, 1))
  const data = { path: '.', format: 'coco', annotations: paths[kind], images: 'train', maxCorruptRecords: 0 } as const
  return { folder, data }
}

async function voc(imageSet: string): Promise<Written> {
  const folder = inside(root)
  await writeVoc(folder, 'train', makeScenes(2, 1))
  return { folder, data: { path: '.', format: 'voc', imageSet, maxCorruptRecords: 0 } }
}

/** @returns the modules that the thread of a job with this task has loaded after its first batch */
async function modulesLoaded(type: TaskType): Promise<string[]> {
  const modules: string[] = []
  const { folder, data, input = {} } = await DATA[type]()
  const channel = new BroadcastChannel('loaded modules')
  channel.onmessage = (message) => void modules.push(String((message as MessageEvent).data))
  try {
    const open = await openLoader({
      thread: new URL('./listing-thread.ts', import.meta.url),
      folder,
      data,
      task: { type, options: TASK_CASES[type].options, input },
      batchSize: 1,
      seed: 1,
      unitsToCheck: 1,
      signal: new AbortController().signal,
    })
    try {
      assert.ok(await open.start(new ListedLeases(epochs(1))).next())
      await eventually(() => assert.ok(modules.some((url) => url.endsWith(`/src/tasks/${type}/input.ts`))))
    } finally {
      await open.close()
    }
    return modules
  } finally {
    channel.close()
  }
}

for (const { type } of DECLARATIONS)
  test(`the loader's thread does not load tfjs for ${type}`, async () => {
    const modules = await modulesLoaded(type)
    assert.ok(
      modules.some((url) => url.includes('/node_modules/sharp/')),
      'it decodes images',
    )
    assert.deepEqual(
      modules.filter((url) => /tensorflow|\/src\/(tensor|models)\//.test(url)),
      [],
    )
  })
