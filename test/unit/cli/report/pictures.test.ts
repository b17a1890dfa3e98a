import assert from 'node:assert/strict'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import sharp from 'sharp'
import { readManifest } from '../../../../src/checkpoint/read-manifest.ts'
import { type DrawnPicture, drawPicture } from '../../../../src/cli/report/draw-picture.ts'
import { pictureSection } from '../../../../src/cli/report/picture-section.ts'
import { readPictures } from '../../../../src/cli/report/pictures.ts'
import type { StoredPicture, StoredSketch } from '../../../../src/contract/pictures.ts'
import { encodeMask } from '../../../../src/data/voc/mask.ts'
import { temporaryFolder } from '../../../support/temporary-folder.ts'
import { writeCheckpoint } from '../../checkpoint/fixtures.ts'
import { inside, png, writeImages } from '../../data/builders.ts'
import { finetuned } from '../histories.ts'

const root = temporaryFolder()
const LABELS = [
  { id: 1, name: 'cat' },
  { id: 3, name: 'person', skeleton: [[1, 2]] as [number, number][] },
]
const CLASSES = { type: 'classes', classes: [{ label: 1 }] } satisfies StoredSketch
const pictureOf = (id: string, truth: StoredSketch = CLASSES, prediction: StoredSketch = CLASSES): StoredPicture => ({
  ...{ rank: 'best', id, score: 0.5 },
  samples: [{ truth, prediction }],
})

/** A job with one checkpoint for each step, whose pictures.json has these pictures; its evaluation data has a/1 and b/1. */
async function jobWith(picturesAt: Readonly<Record<number, readonly StoredPicture[] | string>>) {
  const [folder, claim] = [inside(root), inside(root)]
  await writeImages(join(claim, 'val'), { 'a/1.png': await png(250), 'b/1.png': await png(0) })
  for (const [step, pictures] of Object.entries(picturesAt)) {
    await writeCheckpoint(folder, Number(step))
    const at = join(folder, `step-${step.padStart(9, '0')}`)
    const { digest } = await readManifest(at)
    const text = typeof pictures === 'string' ? pictures : JSON.stringify({ digest, labels: LABELS, pictures })
    await writeFile(join(at, 'pictures.json'), text)
  }
  const data = { source: { claimName: 'jft', path: 'val' }, format: 'imagenet-folder' }
  const job = finetuned('ours', 0.5, { evaluation: { data } })
  return { claim, read: () => readPictures(job, folder, async () => claim) }
}
const ids = (pictures: readonly DrawnPicture[] = []) => pictures.map(({ id }) => id)

suite('the pictures of a job in the report', () => {
  test('are those of its newest checkpoint that has some, read again from the evaluation data', async () => {
    const torn = '{"digest":'
    const { read } = await jobWith({ 10: [pictureOf('b/1.png')], 20: [pictureOf('a/1.png')], 30: torn })
    const found = await read()
    assert.deepEqual([found?.step, ids(found?.pictures), found?.problem], [20, ['a/1.png'], undefined])
    assert.equal(found?.by, 'the probability of their true class')
    assert.match(found?.pictures[0]?.drawings[0]?.uri ?? '', /^data:image\/webp;base64,[\w+/=]+$/)
  })

  test('are none without a file, and of another checkpoint than the file is about', async () => {
    const other = JSON.stringify({ digest: 'other', labels: LABELS, pictures: [pictureOf('a/1.png')] })
    assert.equal(await (await jobWith({ 10: other })).read(), undefined)
    assert.equal(await (await jobWith({})).read(), undefined)
  })

  test('may be missing in the data: the report says so and shows the others', async () => {
    const { read, claim } = await jobWith({ 10: [pictureOf('gone.png'), pictureOf('a/1.png')] })
    const some = await read()
    assert.deepEqual(
      [ids(some?.pictures), some?.problem],
      [['a/1.png'], 'some pictures are no longer in the evaluation data'],
    )
    await rm(claim, { recursive: true })
    const none = await read()
    assert.match(none?.problem ?? '', /^the pictures cannot be read from the evaluation data: .*no such folder/)
    assert.match(pictureSection(none ?? { step: 0, by: '', pictures: [] }), /no such folder/)
    await mkdir(claim)
  })
})

suite('a drawn picture', () => {
  /** Red, green, blue of a pixel. */
  async function pixelOf(uri: string | undefined, x: number, y: number): Promise<number[]> {
    const bytes = Buffer.from(uri?.split(',')[1] ?? '', 'base64')
    const { data, info } = await sharp(bytes).removeAlpha().raw().toBuffer({ resolveWithObject: true })
    return [...data.subarray((y * info.width + x) * 3, (y * info.width + x) * 3 + 3)]
  }
  const isGrey = (pixel: readonly number[]) => pixel.every((value) => Math.abs(value - 128) < 12)
  const grey = () =>
    sharp({ create: { width: 64, height: 64, channels: 3, background: '#808080' } })
      .png()
      .toBuffer()

  test('shows objects of the ground truth beside those predicted with at least .3, of all samples', async () => {
    const objects = (...found: [number, number?][]): StoredSketch => ({
      type: 'objects',
      objects: found.map(([x, score]) => ({ label: 1, box: [x, 20, 8, 30], ...(score !== undefined && { score }) })),
    })
    const samples = [
      { truth: objects([2]), prediction: objects([2, 0.9]) },
      { truth: objects([40]), prediction: objects([40, 0.2]) },
    ]
    const { drawings } = await drawPicture(await grey(), { ...pictureOf('x'), samples }, LABELS)
    const [truth, prediction] = drawings
    assert.deepEqual([truth?.caption, prediction?.caption], ['ground truth', 'prediction; 1 below 0.3 not drawn'])
    const isDrawn = async (uri: string | undefined, x: number) => !isGrey(await pixelOf(uri, 4 * x, 4 * 35))
    assert.deepEqual([await isDrawn(truth?.uri, 2), await isDrawn(truth?.uri, 40)], [true, true])
    assert.deepEqual([await isDrawn(prediction?.uri, 2), await isDrawn(prediction?.uri, 40)], [true, false])
  })

  test('shows skeletons and masks, of which those with fewer pixels are stretched over the picture', async () => {
    const keypoints = [10, 50, 2, 54, 50, 2]
    const person: StoredSketch = { type: 'objects', objects: [{ label: 3, box: [5, 20, 54, 40], keypoints }] }
    const { drawings: skeleton } = await drawPicture(await grey(), pictureOf('x', person, person), LABELS)
    assert.ok(!isGrey(await pixelOf(skeleton[1]?.uri, 4 * 32, 4 * 50)), 'the bone')
    const half = { width: 2, height: 1, classes: Uint8Array.of(0, 1) }
    const mask: StoredSketch = { type: 'mask', png: Buffer.from(encodeMask(half)).toString('base64') }
    const { drawings } = await drawPicture(await grey(), pictureOf('x', mask, mask), LABELS)
    assert.ok(isGrey(await pixelOf(drawings[0]?.uri, 60, 200)), 'the background')
    assert.ok(!isGrey(await pixelOf(drawings[0]?.uri, 200, 200)), 'the class')
    assert.deepEqual(drawings[0]?.legend, [{ name: 'cat', colour: 'rgb(128,0,0)' }])
  })

  test('of a classifier has the words below it, which are safe in HTML', async () => {
    const predicted: StoredSketch = {
      type: 'classes',
      classes: [
        { label: 1, score: 0.934 },
        { label: 7, score: 0.04 },
      ],
    }
    const drawn = await drawPicture(await grey(), pictureOf('<b>.png', CLASSES, predicted), LABELS)
    assert.deepEqual(
      drawn.drawings.map(({ caption }) => caption),
      ['cat; predicted: cat 93%, 7 4%'],
    )
    const html = pictureSection({ step: 150, by: 'the <score>', pictures: [drawn] })
    assert.match(html, /best: 0\.500 <small>image &lt;b&gt;\.png<\/small>/)
    assert.match(html, /at step 150, by the &lt;score&gt;\./)
    assert.doesNotMatch(html, /<b>/)
  })
})
