import assert from 'node:assert/strict'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { before, test } from 'node:test'
import sharp from 'sharp'
import { drawMask } from '../../../src/data/inspect/draw-mask.ts'
import { drawObjects } from '../../../src/data/inspect/draw-objects.ts'
import { type DataReport, type InspectOptions, inspectData } from '../../../src/data/inspect/inspect.ts'
import { reportJson, reportLines } from '../../../src/data/inspect/report.ts'
import { createLabelMap } from '../../../src/data/labels.ts'
import { vocColour } from '../../../src/data/voc/palette.ts'
import { cocoFile, writeCoco } from '../../support/coco-files.ts'
import { makeScenes } from '../../support/scenes.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { classMask, writeVoc } from '../../support/voc-files.ts'

const root = temporaryFolder()
const SCENES = makeScenes(8, 4)
const coco = join(root, 'coco')
const voc = join(root, 'VOC2012')

before(async () => {
  await writeCoco(coco, 'val2017', SCENES)
  await writeVoc(voc, 'val', SCENES)
})

async function inspect(options: InspectOptions): Promise<DataReport[]> {
  const reports = await inspectData(options)
  return reports.map((report) => {
    assert.ok(report.verdict !== 'refused', report.verdict === 'refused' ? report.error.message : '')
    return report
  })
}

const countOf = (lines: readonly string[], what: string) => lines.filter((line) => line.endsWith(what))[0]?.trim()

test('each annotations file and each image set of a folder is a part with its counts', async () => {
  const [instances, persons, ...others] = await inspect({ folder: coco })
  assert.deepEqual(others, [])
  assert.deepEqual(
    [instances?.part, persons?.part],
    ['annotations/instances_val2017.json', 'annotations/person_keypoints_val2017.json'],
  )
  const file = cocoFile(SCENES, 'instances')
  const lines = reportLines(instances as DataReport)
  const crowds = file.annotations.filter(({ iscrowd }) => iscrowd === 1).length
  assert.ok(crowds > 0)
  assert.ok(
    lines.includes(`objects: ${file.annotations.length}, ${(file.annotations.length / 8).toFixed(2)} per image`),
  )
  assert.equal(countOf(lines, ' crowds'), `${crowds} crowds`)
  assert.equal(countOf(lines, 'with run lengths'), `${crowds} with run lengths`)
  const labelled = cocoFile(SCENES, 'person_keypoints').annotations.reduce(
    (sum, one) => sum + (one.num_keypoints ?? 0),
    0,
  )
  assert.ok(reportLines(persons as DataReport).includes(`keypoints: ${labelled} labelled`))
  const parts = await inspect({ folder: root })
  assert.deepEqual(
    parts.map(({ part, format }) => [format, part]),
    [
      ['voc', 'Main/val'],
      ['voc', 'Segmentation/val'],
      ['coco', 'annotations/instances_val2017.json'],
      ['coco', 'annotations/person_keypoints_val2017.json'],
    ],
  )
})

test('masks are counted by class', async () => {
  const [report] = await inspect({ folder: voc, imageSet: 'Segmentation/val' })
  const pixels = new Map<number, number>()
  for (const scene of SCENES) for (const one of classMask(scene)) pixels.set(one, (pixels.get(one) ?? 0) + 1)
  const [set] = (reportJson([report as DataReport]) as { dataSets: { masks: object; classes: { pixels: number }[] }[] })
    .dataSets
  assert.deepEqual(set?.masks, { images: 8, voidPixels: pixels.get(255) })
  assert.deepEqual(
    set?.classes.map((one) => one.pixels),
    Array.from({ length: 21 }, (_, id) => pixels.get(id) ?? 0),
  )
})

test('problems have file, id and field, and a file that cannot be used is refused beside the others', async () => {
  const folder = join(root, 'bad')
  await writeCoco(folder, 'val2017', SCENES)
  const file = cocoFile(SCENES, 'instances')
  Object.assign(file.annotations[0] ?? {}, { area: undefined })
  await writeFile(join(folder, 'annotations/instances_val2017.json'), JSON.stringify(file))
  await writeFile(join(folder, 'annotations/person_keypoints_val2017.json'), '{"images": [')
  await rm(join(folder, `val2017/${SCENES[3]?.name}.jpg`))
  const [damaged, refused] = await inspectData({ folder })
  assert.ok(damaged?.verdict === 'damaged' && refused?.verdict === 'refused')
  assert.equal(refused.error.code, 'JSON_INVALID')
  assert.equal(damaged.problems.length, 2)
  assert.match(damaged.problems[0] ?? '', /instances_val2017\.json: annotations\[0\] \(id \d+\): area: missing/)
  assert.match(damaged.problems[1] ?? '', /scene_000004\.jpg: image 4: cannot be read: ENOENT/)
})

test('--samples draws each part in a folder of its own, with the objects of each picture in index.txt', async () => {
  const samples = join(root, 'samples')
  const reports = await inspect({ folder: coco, samples })
  for (const { samples: sheet } of reports) {
    const { width, height } = await sharp(sheet).metadata()
    assert.deepEqual([width, height], [4 * 364, 2 * 364])
  }
  const index = await readFile(join(samples, 'annotations/instances_val2017/index.txt'), 'utf8')
  const [first = ''] = index.split('\n')
  const { bbox } = cocoFile(SCENES, 'instances').annotations[0] ?? { bbox: [] }
  assert.ok(first.startsWith('row 1 column 1\t1\t') && first.includes(`[${bbox.join(', ')}]`), first)
})

const LABELS = createLabelMap([
  { id: 0, name: 'one', parents: [], keypoints: ['a', 'b'], skeleton: [[1, 2]] },
  { id: 1, name: 'two', parents: [] },
])

function pixelsOf(rgb: Uint8Array, size: number) {
  return (x: number, y: number) => [...rgb.subarray((y * size + x) * 3, (y * size + x) * 3 + 3)]
}

test('boxes, masks and skeletons are where the annotation says, at the scale of the drawing', async () => {
  const grey = await sharp({ create: { width: 100, height: 50, channels: 3, background: '#808080' } })
    .png()
    .toBuffer()
  const plain = { crowd: false, difficult: false, area: 1, label: 0 }
  const column = { type: 'rle', height: 50, width: 100, counts: [80 * 50, 10 * 50, 10 * 50] } as const
  const objects = [
    {
      ...plain,
      box: [10, 20, 30, 20] as const,
      segmentation: { type: 'polygons', polygons: [[20, 25, 30, 25, 30, 35, 20, 35]] } as const,
    },
    { ...plain, label: 1, box: [80, 0, 10, 50] as const, segmentation: column },
    { ...plain, box: [50, 20, 20, 20] as const, keypoints: [52, 30, 2, 68, 30, 1] },
  ]
  const at = pixelsOf(await drawObjects(grey, { width: 100, height: 50, objects }, LABELS, 200), 200)
  const below = 50
  assert.deepEqual(at(10, 10), [255, 255, 255], 'white above a wide picture')
  assert.deepEqual(at(5, below + 90), [128, 128, 128], 'the picture')
  assert.deepEqual(at(20, below + 60), [242, 13, 13], 'the left edge of a box')
  assert.ok((at(50, below + 60)[0] as number) > 160 && at(50, below + 60)[1] === at(50, below + 60)[2], 'a polygon')
  assert.deepEqual(at(30, below + 45), [128, 128, 128], 'inside the box, outside the polygon')
  assert.notDeepEqual(at(170, below + 80), [128, 128, 128], 'run lengths')
  assert.deepEqual(at(120, below + 60), [255, 242, 0], 'a bone')
})

test('masks have the colours of VOC', async () => {
  const black = await sharp({ create: { width: 40, height: 40, channels: 3, background: 'black' } })
    .png()
    .toBuffer()
  const classes = new Uint8Array(1600).fill(1, 800)
  const at = pixelsOf(await drawMask(black, { width: 40, height: 40, classes }, LABELS, 80), 80)
  assert.deepEqual(at(70, 10), [0, 0, 0], 'the background is the picture')
  const colour = vocColour(1).map((value) => Math.round((value * 190) / 255))
  const found = at(70, 70)
  assert.ok(
    found.every((value, i) => Math.abs(value - (colour[i] as number)) <= 1),
    `${found} ${colour}`,
  )
})
