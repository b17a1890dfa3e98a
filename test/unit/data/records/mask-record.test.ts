import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import sharp from 'sharp'
import { encodeExample, type Features } from '../../../../src/data/codecs/example.ts'
import { bytes, text } from '../../../../src/data/codecs/features.ts'
import { encodeTfRecord } from '../../../../src/data/codecs/tfrecord.ts'
import { openDataset } from '../../../../src/data/formats.ts'
import { findSets } from '../../../../src/data/inspect/find-sets.ts'
import { MASK_KEYS, maskFeatures } from '../../../../src/data/records/mask-record.ts'
import { pictureFeatures } from '../../../../src/data/records/picture-record.ts'
import { encodeMask, readMask } from '../../../../src/data/voc/mask.ts'
import { temporaryFolder } from '../../../support/temporary-folder.ts'
import { palettePng } from '../../../support/voc-files.ts'
import { collect, FRUIT, inside, png } from '../builders.ts'

const root = temporaryFolder()
const [width, height] = [6, 4]
const encoded = await png(5, width, height)
const picture = { id: '2007_000032', fileName: '2007_000032.jpg', encoded, format: 'png', width, height }
const anyClasses = fc.array(fc.constantFrom(0, 1, 2, 3, 255), { minLength: width * height, maxLength: width * height })

async function read(features: Features) {
  const folder = inside(root)
  await writeFile(join(folder, 'labels.json'), JSON.stringify(FRUIT))
  await writeFile(join(folder, 'a-00000-of-00001'), encodeTfRecord(encodeExample(features)))
  assert.deepEqual(await findSets(folder), [{ folder, format: 'tfrecord-segmentation' }])
  const dataset = await openDataset(folder, { path: '.', format: 'tfrecord-segmentation', maxCorruptRecords: 0 })
  assert.ok(dataset.annotates === 'masks')
  const [item] = await collect(dataset.read(0))
  assert.ok(item)
  return item
}

test('a mask is read as it was written, and TensorFlow would decode the same pixels', async () => {
  await fc.assert(
    fc.asyncProperty(anyClasses, fc.boolean(), async (pixels, hasPalette) => {
      const classes = Uint8Array.from(pixels)
      const grey = encodeMask({ width, height, classes })
      const png = hasPalette ? palettePng(classes, width, height) : grey
      const features = maskFeatures({ width, height, png }, 'a mask')
      const item = await read({ ...pictureFeatures(picture), ...features })
      assert.ok(item.type === 'example', item.type === 'corrupt' ? item.reason : '')
      assert.equal(item.id, '2007_000032')
      assert.deepEqual(readMask(item.annotation.png, 'a mask').classes, classes)
      const stored = features[MASK_KEYS.encoded]
      assert.ok(stored && 'bytes' in stored)
      const { data, info } = await sharp(stored.bytes[0]).raw().toBuffer({ resolveWithObject: true })
      assert.deepEqual([...data.filter((_, i) => i % info.channels === 0)], pixels)
    }),
    { numRuns: 20 },
  )
})

suite('a mask that does not fit is damage:', () => {
  const mask = (value: number, wide = width) =>
    encodeMask({ width: wide, height, classes: new Uint8Array(wide * height).fill(value) })
  const cases: Record<string, [Features, RegExp]> = {
    'a class beyond the labels': [
      { [MASK_KEYS.encoded]: bytes(mask(4)) },
      /class 4 at x 0, y 0: expected 0 to 3, or 255/,
    ],
    'another size': [{ [MASK_KEYS.encoded]: bytes(mask(1, 5)) }, /^the mask has 5×4 pixels, and the picture 6×4$/],
    'another format': [
      { [MASK_KEYS.encoded]: bytes(mask(1)), [MASK_KEYS.format]: text('jpg') },
      /^image\/segmentation\/class\/format: "jpg": expected png$/,
    ],
    'no PNG': [{ [MASK_KEYS.encoded]: bytes(Buffer.from('x')) }, /not a PNG that can be read/],
    'no mask': [{ [MASK_KEYS.encoded]: bytes() }, /^no image\/segmentation\/class\/encoded$/],
  }
  for (const [name, [features, expected]] of Object.entries(cases))
    test(name, async () => {
      const item = await read({ ...pictureFeatures(picture), ...features })
      assert.match(item.type === 'corrupt' ? item.reason : 'an example', expected)
    })
})
