import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import type { EvaluationName } from '../../../../src/cli/evaluate/tasks.ts'
import { evaluate } from '../../../../src/cli/verbs/evaluate.ts'
import { temporaryFolder } from '../../../support/temporary-folder.ts'
import { mask, RESULTS, TRUTH, vocXml, write, writeVoc } from '../evaluate/files.ts'
import { capture } from '../io.ts'

const root = temporaryFolder()
const fresh = () => mkdtempSync(join(root, 'case-'))

interface Files {
  groundTruth: string
  predictions: string
}

async function run(task: EvaluationName, files: Files, flags: object = {}) {
  const { written, io } = capture()
  const code = await evaluate({ task, ...files, ...flags }, io)
  return { code, ...written }
}

function cocoFiles(truth: string | object = TRUTH, results: string | object = RESULTS): Files {
  const folder = fresh()
  return { groundTruth: write(folder, 'truth.json', truth), predictions: write(folder, 'results.json', results) }
}

function textFiles(truth: string, predictions: string): Files {
  const folder = fresh()
  return { groundTruth: write(folder, 'truth.txt', truth), predictions: write(folder, 'predictions.txt', predictions) }
}

suite('COCO', () => {
  test('prints a number a line and the number of images', async () => {
    const { code, out, err } = await run('coco-detection', cocoFiles())
    assert.deepEqual([code, err], [0, ''])
    const lines = out.trimEnd().split('\n')
    assert.equal(lines.length, 13)
    assert.match(lines[0] ?? '', /^AP +1\.0000$/)
    assert.match(lines[3] ?? '', /^APsmall +-1\.0000$/)
    assert.equal(lines.at(-1), '2 images')
  })

  test('prints the headline of each category, -1 for one without an object', async () => {
    const { out } = await run('coco-detection', cocoFiles(), { perCategory: true })
    assert.match(out, /\ncategory +AP\ncat +1\.0000\ndog +-1\.0000\n$/)
  })

  test('prints one JSON object', async () => {
    const { task, summary, byCategory, images, objects, detections, warnings } = JSON.parse(
      (await run('coco-detection', cocoFiles(), { json: true })).out,
    )
    assert.deepEqual([task, images, objects, detections, warnings], ['coco-detection', 2, 2, 2, []])
    assert.deepEqual([summary.AP, summary.APlarge, Object.keys(summary).length], [1, -1, 12])
    assert.deepEqual(byCategory, { cat: 1, dog: -1 })
  })

  test('tells categories of one name apart by their ids', async () => {
    const categories = TRUTH.categories.map(({ id }) => ({ id, name: 'cat' }))
    const { out } = await run('coco-detection', cocoFiles({ ...TRUTH, categories }), { json: true })
    assert.deepEqual(Object.keys(JSON.parse(out).byCategory), ['cat (3)', 'cat (7)'])
    const third = { ...TRUTH, categories: [...categories, { id: 9, name: 'cat (3)' }] }
    const names = Object.keys(
      JSON.parse((await run('coco-detection', cocoFiles(third), { json: true })).out).byCategory,
    )
    assert.deepEqual(names, ['cat (3)', 'cat (7)', 'cat (3) (9)'])
  })

  test('prints a category whose name has a line feed in one line', async () => {
    const categories = TRUTH.categories.map(({ id }) => ({ id, name: `a\n${id}` }))
    const { out } = await run('coco-detection', cocoFiles({ ...TRUTH, categories }), { perCategory: true })
    assert.match(out, /\na\\u000a3 +1\.0000\na\\u000a7 +-1\.0000\n$/)
  })

  test('warns of empty predictions, which score 0, and of a ground truth without objects, which scores -1', async () => {
    const none = await run('coco-detection', cocoFiles(TRUTH, []))
    assert.match(none.err, /warning: .*results.json: no detections/)
    assert.match(none.out, /^AP +0\.0000/)
    const crowds = TRUTH.annotations.map((annotation) => ({ ...annotation, iscrowd: 1 }))
    const empty = await run('coco-detection', cocoFiles({ ...TRUTH, annotations: crowds }))
    assert.match(empty.err, /warning: .*truth.json: no object to find/)
    assert.match(empty.out, /^AP +-1\.0000/)
    const nothing = await run('coco-detection', cocoFiles({ images: [], categories: [], annotations: [] }, []))
    assert.match(nothing.out, /^AP +-1\.0000/)
  })

  test('warns of an annotation with the id 0, which pycocotools counts as missed', async () => {
    const annotations = TRUTH.annotations.map((annotation, id) => ({ ...annotation, id }))
    const { err, out } = await run('coco-detection', cocoFiles({ ...TRUTH, annotations }))
    assert.match(err, /warning: .*truth.json: annotation id 0/)
    assert.doesNotMatch(out, /^AP +1\.0000/)
  })

  test('scores the keypoints of any skeleton', async () => {
    const keypoints = [12, 12, 2, 30, 30, 2]
    const people = TRUTH.annotations.map((annotation) => ({ ...annotation, keypoints, num_keypoints: 2 }))
    const found = RESULTS.map(({ bbox, ...result }) => ({ ...result, keypoints }))
    const files = cocoFiles({ ...TRUTH, annotations: people }, found)
    const { out } = await run('coco-keypoints', files, { sigmas: [0.05, 0.1], json: true })
    assert.deepEqual([JSON.parse(out).summary.AP, Object.keys(JSON.parse(out).summary).length], [1, 10])
    await assert.rejects(run('coco-keypoints', files), { code: 'COCO_INVALID', message: /6 numbers: expected 51/ })
  })
})

suite('VOC', () => {
  test('scores boxes by the rules of a year, and masks', async () => {
    const files = writeVoc(fresh())
    assert.equal((await run('voc-detection', files)).out, 'mAP  1.0000\n1 image\n')
    assert.equal((await run('voc-detection', files, { year: '2012' })).out, 'mAP  1.0000\n1 image\n')
    const { out } = await run('voc-segmentation', files, { perCategory: true })
    assert.match(
      out,
      /^mIOU +0\.5000\npixelAccuracy +0\.6667\n1 image\n\ncategory +IOU\nbackground +0\.5000\ncar +0\.5000\n$/,
    )
  })

  test('knows a class whose result file has its name as macOS writes it', async () => {
    const folder = fresh()
    const files = writeVoc(folder)
    const box = '<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>10</xmax><ymax>10</ymax></bndbox>'
    write(folder, 'Annotations/a.xml', vocXml(`<object><name>caf\u00e9</name>${box}</object>`))
    rmSync(join(folder, 'results/comp4_det_test_car.txt'))
    write(folder, 'results/comp4_det_test_cafe\u0301.txt', 'a 0.9 1 1 10 10\n')
    assert.equal((await run('voc-detection', files)).out, 'mAP  1.0000\n1 image\n')
  })

  test('warns of classes without a result file', async () => {
    const folder = fresh()
    const files = writeVoc(folder)
    write(folder, 'results/comp4_det_test_bus.txt', '')
    rmSync(join(folder, 'results/comp4_det_test_car.txt'))
    const { err, out } = await run('voc-detection', files)
    assert.match(err, /warning: no detections/)
    assert.match(err, /warning: no result file of car/)
    assert.match(out, /^mAP +0\.0000/)
  })

  for (const [name, task, file, content, code, message] of [
    [
      'XML with entities',
      'voc-detection',
      'Annotations/a.xml',
      vocXml('', '<!DOCTYPE a [<!ENTITY b "c">]>'),
      'VOC_INVALID',
      /a.xml: .*entities/,
    ],
    ['XML that ends early', 'voc-detection', 'Annotations/a.xml', '<annotation>', 'VOC_INVALID', /a.xml: line 1/],
    [
      'an annotation without a size',
      'voc-detection',
      'Annotations/a.xml',
      '<annotation><filename>a</filename></annotation>',
      'VOC_INVALID',
      /a.xml: annotation.size/,
    ],
    ['an empty image set', 'voc-detection', 'ImageSets/Main/test.txt', '\n', 'VOC_INVALID', /test.txt: no image/],
    [
      'a path in an image set',
      'voc-detection',
      'ImageSets/Main/test.txt',
      '../a\n',
      'VOC_INVALID',
      /"\.\.\/a": expected a file's name/,
    ],
    ['an image without annotation', 'voc-detection', 'ImageSets/Main/test.txt', 'b\n', 'VOC_INVALID', /b.xml/],
    [
      'an image that stands in the set twice',
      'voc-detection',
      'ImageSets/Main/test.txt',
      'a\na\n',
      'VOC_INVALID',
      /a stands in the set twice/,
    ],
    [
      'results of an unknown class',
      'voc-detection',
      'results/comp4_det_test_cra.txt',
      '',
      'VOC_INVALID',
      /cra.txt: "cra": expected a class/,
    ],
    [
      'two files of a class',
      'voc-detection',
      'results/comp3_det_test_car.txt',
      '',
      'VOC_INVALID',
      /another file has results of car/,
    ],
    [
      'a detection in an unknown image',
      'voc-detection',
      'results/comp4_det_test_car.txt',
      'z 1 1 1 2 2\n',
      'VOC_INVALID',
      /line 1: .*an image of the set/,
    ],
    [
      'a palette of another kind',
      'voc-segmentation',
      'results/a.png',
      mask([0, 1, 1, 1], Uint8Array.of(0, 0, 0, 9, 9, 9)),
      'MASK_INVALID',
      /a.png: colour 9,9,9 at x 1, y 0/,
    ],
    [
      'a mask of another size',
      'voc-segmentation',
      'results/a.png',
      mask([0, 1]),
      'MASK_SIZE',
      /a.png: 2×1: expected 2×2/,
    ],
    ['a class past the last', 'voc-segmentation', 'results/a.png', mask([0, 21, 7, 7]), 'MASK_CLASS', /a.png: .*21/],
    ['a mask that is no PNG', 'voc-segmentation', 'results/a.png', 'GIF89a', 'MASK_INVALID', /a.png: not a PNG/],
  ] as const)
    test(`refuses ${name}`, async () => {
      const folder = fresh()
      const files = writeVoc(folder)
      write(folder, file, content)
      await assert.rejects(run(task, files), { code, message })
    })

  test('names the image sets that there are where there is none of the name', async () => {
    const files = writeVoc(fresh())
    const other = { imageSet: 'train' }
    const boxes = { code: 'VOC_INVALID', message: /Main\/train\.txt: does not exist; choose with --image-set: "test"$/ }
    await assert.rejects(run('voc-detection', files, other), boxes)
    const masks = { code: 'VOC_INVALID', message: /Segmentation\/train\.txt: .*--image-set: "val"$/ }
    await assert.rejects(run('voc-segmentation', files, other), masks)
    rmSync(join(files.groundTruth, 'ImageSets/Main/test.txt'))
    const none = { code: 'VOC_INVALID', message: /test\.txt: does not exist; there is no image set of this kind$/ }
    await assert.rejects(run('voc-detection', files), none)
  })

  test('refuses a folder without results, and a missing mask', async () => {
    const files = writeVoc(fresh())
    const empty = { ...files, predictions: fresh() }
    await assert.rejects(run('voc-detection', empty), { code: 'PREDICTIONS_MISSING', message: /comp4_det_test_CLASS/ })
    await assert.rejects(run('voc-segmentation', empty), { code: 'PREDICTIONS_MISSING', message: /a.png/ })
  })
})

suite('classification', () => {
  test('prints top-1 and top-5, and warns of images without a class', async () => {
    const files = textFiles('3\n4\n5\n5\n', '3 1 2\n1 2 4\n\n5\n')
    const { out, err } = await run('imagenet-classification', files, { perCategory: true })
    assert.match(
      out,
      /^top1 +0\.5000\ntop5 +0\.7500\n4 images\n\ncategory +top1\nclass 3 +1\.0000\nclass 4 +0\.0000\nclass 5 +0\.5000\n$/,
    )
    assert.match(err, /warning: .*predictions.txt: 1 line is empty/)
  })

  test('prints three forms of mAP@100, with the hierarchy of a labels file', async () => {
    const files = textFiles(
      '{"image_id":"a","labels":[2]}\n{"image_id":"b","labels":[1]}',
      '{"image_id":"a","scores":[3,2,1]}',
    )
    const labels = write(fresh(), 'labels.json', [
      { id: 0, name: 'animal', parents: [] },
      { id: 1, name: 'cat', parents: [0] },
      { id: 2, name: 'dog', parents: [0] },
    ])
    const { out, err } = await run('multi-label', files, { labels, json: true })
    const { summary } = JSON.parse(out)
    assert.deepEqual(summary, {
      'mAP@100': (1 + 2 / 3) / 2 / 2,
      'leafMAP@100': 1 / 2 / 2,
      'weightedMAP@100': (2 + 2 / 3) / 3 / 2,
    })
    assert.match(err, /warning: .*1 of 2 images, b first, have no prediction/)
  })

  test('refuses a ground truth without images', async () => {
    await assert.rejects(run('multi-label', textFiles('', '')), { code: 'JSON_LINES_INVALID', message: /no image/ })
  })
})

suite('the program', () => {
  const program = (...args: string[]) =>
    spawnSync(process.execPath, ['bin/downpour', 'evaluate', ...args], { encoding: 'utf8' })
  const flagsOf = (task: string, { groundTruth, predictions }: Files) => [
    ...['--task', task, '--ground-truth', groundTruth],
    ...['--predictions', predictions],
  ]

  test('exits with 0, and with 1 and the code of an error', () => {
    const good = program(...flagsOf('coco-detection', cocoFiles()))
    assert.deepEqual([good.status, good.stderr], [0, ''])
    const bad = program(...flagsOf('coco-detection', cocoFiles(TRUTH, '[{"image_id":1')))
    assert.deepEqual([bad.status, bad.stdout], [1, ''])
    assert.match(bad.stderr, /^downpour: JSON_INVALID: .*results.json: \[0\]: the file ends too early\n$/)
  })

  test('shows progress on a large file', () => {
    const padding = ' '.repeat(40 * 2 ** 20)
    const { status, stderr } = program(...flagsOf('coco-detection', cocoFiles(TRUTH, `[${padding}]`)))
    assert.equal(status, 0)
    assert.match(stderr, /of 40 MiB read \(10%\)\n/)
  })

  for (const [name, args, message] of [
    [
      'a folder in place of a file',
      flagsOf('coco-detection', { ...cocoFiles(), predictions: root }),
      /FILE_UNREADABLE: .* is a folder: expected a results file/,
    ],
    [
      'a file in place of a folder',
      flagsOf('voc-detection', cocoFiles()),
      /FILE_UNREADABLE: .* is a file: expected a folder/,
    ],
    [
      'a path where nothing is',
      flagsOf('coco-detection', { ...cocoFiles(), predictions: '/no/file' }),
      /FILE_UNREADABLE: \/no\/file: does not exist/,
    ],
    [
      'an option that the task does not use',
      [...flagsOf('coco-detection', cocoFiles()), '--year', '2007'],
      /OPTION_UNUSED: --year/,
    ],
    ['an unknown task', flagsOf('coco', cocoFiles()), /Allowed choices are coco-detection/],
    [
      'sigmas that are no numbers',
      [...flagsOf('coco-keypoints', cocoFiles()), '--sigmas', '0.1,x'],
      /Expected numbers above 0/,
    ],
  ] as const)
    test(`refuses ${name}`, () => {
      const { status, stdout, stderr } = program(...args)
      assert.deepEqual([status, stdout], [1, ''])
      assert.match(stderr, message)
      assert.doesNotMatch(stderr, /\n +at /)
    })
})
