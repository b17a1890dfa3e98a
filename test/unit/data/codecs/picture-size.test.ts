import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import sharp from 'sharp'
import { pictureSize } from '../../../../src/data/codecs/picture-size.ts'

const plain = sharp({ create: { width: 37, height: 21, channels: 3, background: 'red' } })

suite('the size of a picture is that of its pixels as they are stored:', () => {
  const cases = {
    'a JPEG': plain.clone().jpeg(),
    'a progressive JPEG': plain.clone().jpeg({ progressive: true }),
    'a JPEG with EXIF that turns it': plain.clone().withMetadata({ orientation: 6 }).jpeg(),
    'a JPEG with a profile': plain.clone().withIccProfile('p3').jpeg(),
    'a PNG': plain.clone().png(),
    'a PNG with a palette': plain.clone().png({ palette: true }),
    'a WebP': plain.clone().webp(),
    'a TIFF': plain.clone().tiff(),
  }
  for (const [what, image] of Object.entries(cases))
    test(what, async () => {
      const { width, height } = await pictureSize(await image.toBuffer())
      assert.deepEqual({ width, height }, { width: 37, height: 21 })
    })
})

test('what is cut off or no picture is refused with the reason', async () => {
  const jpeg = await plain.clone().jpeg().toBuffer()
  const png = await plain.clone().png().toBuffer()
  for (const [bytes, reason] of [
    [jpeg.subarray(0, 40), /VipsJpeg|JPEG|jpeg/],
    [png.subarray(0, 20), /corrupt header$/],
    [Buffer.alloc(0), /it is empty/],
    [Buffer.from('<html></html>'), /it is a web page/],
  ] as const)
    await assert.rejects(pictureSize(bytes), { message: reason })
})
