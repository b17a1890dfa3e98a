import assert from 'node:assert/strict'
import { test } from 'node:test'
import sharp from 'sharp'
import { decodeSquare, decodeStored } from '../../../../src/data/codecs/image.ts'
import { png } from '../builders.ts'

const SIZE = 8

function pictureOf(width: number, height: number) {
  return sharp({ create: { width, height, channels: 3, background: { r: 200, g: 100, b: 50 } } })
}

test('an image of any aspect ratio becomes a square of RGB bytes', async () => {
  for (const [width, height] of [
    [30, 5],
    [5, 30],
    [2, 2],
  ] as const) {
    const pixels = await decodeSquare(await png(200, width, height), SIZE)
    assert.equal(pixels.length, SIZE * SIZE * 3)
    assert.deepEqual([...pixels.subarray(0, 3)], [200, 100, 50])
  }
})

test('an image is stretched: the left quarter of a wide image is the left quarter of the square', async () => {
  const right = { input: await png(0, 30, 10), left: 10, top: 0 }
  const wide = await sharp({ create: { width: 40, height: 10, channels: 3, background: 'white' } })
    .composite([right])
    .png()
    .toBuffer()
  const pixels = await decodeSquare(wide, SIZE)
  const redAt = (x: number) => pixels[(3 * SIZE + x) * 3]
  assert.deepEqual([redAt(0), redAt(3), redAt(5), redAt(7)], [255, 0, 0, 0])
})

test('grey, palette, transparent, CMYK and 16-bit pictures all become RGB', async () => {
  const one = pictureOf(10, 6)
  const forms = {
    grey: one.clone().greyscale().png(),
    'grey JPEG': one.clone().greyscale().jpeg(),
    palette: one.clone().png({ palette: true }),
    transparent: one.clone().ensureAlpha(1).png(),
    CMYK: one.clone().toColourspace('cmyk').jpeg(),
    '16 bits': one.clone().toColourspace('rgb16').png(),
  }
  for (const [name, form] of Object.entries(forms)) {
    const pixels = await decodeSquare(await form.toBuffer(), SIZE)
    assert.equal(pixels.length, SIZE * SIZE * 3, name)
    const [red, green, blue] = pixels
    if (!name.startsWith('grey')) assert.ok(Math.abs(Number(red) - 200) < 4 && Math.abs(Number(green) - 100) < 8, name)
    else assert.ok(red === green && green === blue, name)
  }
})

test('a truncated image is refused', async () => {
  const noise = Buffer.from(Array.from({ length: 64 * 64 * 3 }, (_, i) => (i * i) % 251))
  const jpeg = await sharp(noise, { raw: { width: 64, height: 64, channels: 3 } })
    .jpeg()
    .toBuffer()
  await assert.rejects(decodeSquare(jpeg.subarray(0, jpeg.length / 2), SIZE))
  await assert.rejects(decodeSquare(Buffer.from('no picture'), SIZE))
})

/** Encodes an uncompressed TIFF in one strip. `type` of a sample: 1 unsigned, 2 signed, 3 floating-point. */
function tiff({ channels = 1, bits = 8, type = 1, photometric = 1, extra = [] as number[] }): Buffer {
  const [width, height] = [6, 4]
  const entries = [
    [256, [width]],
    [257, [height]],
    [258, Array(channels).fill(bits)],
    [259, [1]],
    [262, [photometric]],
    [273, [2048]],
    [277, [channels]],
    [278, [height]],
    [279, [(width * height * channels * bits) / 8]],
    ...(extra.length > 0 ? [[338, extra] as const] : []),
    [339, Array(channels).fill(type)],
  ] as [number, number[]][]
  const bytes = Buffer.alloc(2048 + (width * height * channels * bits) / 8, 60)
  bytes.write('II*\0\x08\0\0\0', 'latin1')
  bytes.writeUInt16LE(entries.length, 8)
  bytes.fill(0, 10, 2048)
  for (const [i, [tag, values]] of entries.entries()) {
    const [at, isLong] = [10 + 12 * i, values.length > 2]
    bytes.writeUInt16LE(tag, at)
    bytes.writeUInt16LE(3, at + 2)
    bytes.writeUInt32LE(values.length, at + 4)
    if (isLong) bytes.writeUInt32LE(512 + 64 * i, at + 8)
    for (const [k, value] of values.entries()) bytes.writeUInt16LE(value, (isLong ? 512 + 64 * i : at + 8) + 2 * k)
  }
  return bytes
}

test('other samples than 8 or 16 bits, and other channels, are refused, because their pixels would be wrong', async () => {
  const refused = (form: Parameters<typeof tiff>[0], message: RegExp) =>
    assert.rejects(decodeSquare(tiff(form), SIZE), { message })
  await refused({ bits: 32, type: 3 }, /^its samples are of type float: convert it to 8 or 16 bits a channel$/)
  await refused({ bits: 32 }, /of type uint/)
  await refused({ bits: 16, type: 2 }, /of type short/)
  await refused({ channels: 5, photometric: 2, extra: [0, 0] }, /^it has 5 channels, which are neither grey, RGB nor/)
  await refused({ channels: 4, extra: [0, 0, 0] }, /^it has 4 channels/)
  for (const form of [{}, { bits: 16 }, { channels: 3, photometric: 2 }, { channels: 2, extra: [0] }])
    assert.equal((await decodeSquare(tiff(form), SIZE)).length, SIZE * SIZE * 3, JSON.stringify(form))
})

test('an image is rotated by its EXIF orientation', async () => {
  const noise = Buffer.from(Array.from({ length: 12 * 8 * 3 }, (_, i) => (i * i * 7 + i) % 251))
  const stored = sharp(noise, { raw: { width: 12, height: 8, channels: 3 } })
  const squares = new Set<string>()
  for (let orientation = 1; orientation <= 8; orientation++) {
    const file = await stored.clone().withMetadata({ orientation }).png().toBuffer()
    const viewed = await sharp(file).autoOrient().resize(SIZE, SIZE, { fit: 'fill' }).raw().toBuffer()
    const square = await decodeSquare(file, SIZE)
    assert.deepEqual([...square], [...viewed], `orientation ${orientation}`)
    squares.add(square.join())
  }
  assert.equal(squares.size, 8)
})

test('a picture is decoded as its file stores it, in the size that the caller computes', async () => {
  const rgb = Buffer.from(Array.from({ length: 6 * 4 * 3 }, (_, i) => (i * 29) % 256))
  const stored = sharp(rgb, { raw: { width: 6, height: 4, channels: 3 } })
  for (const orientation of [1, 6]) {
    const file = await stored.clone().withMetadata({ orientation }).png().toBuffer()
    const whole = await decodeStored(file, (size) => size)
    assert.deepEqual([whole.width, whole.height, ...whole.rgb], [6, 4, ...rgb], `orientation ${orientation}`)
    const small = await decodeStored(file, ({ width, height }) => ({ width: width / 2, height: height / 2 }))
    assert.deepEqual([small.width, small.height, small.rgb.length], [3, 2, 18])
  }
  await assert.rejects(
    decodeStored(Buffer.from('no picture'), (size) => size),
    /not|unsupported|picture/i,
  )
})

test('a huge image in a small file is decoded row by row, or refused if its format needs all pixels in memory', async () => {
  const huge = sharp({ create: { width: 10_000, height: 10_000, channels: 3, background: 'black' } })
  const rows = await huge.clone().png().toBuffer()
  const passes = await huge.clone().png({ progressive: true }).toBuffer()
  assert.ok(passes.length < 2 ** 20)
  assert.equal((await decodeSquare(rows, SIZE)).length, SIZE * SIZE * 3)
  await assert.rejects(decodeSquare(passes, SIZE), {
    message: /^it is too large: 10000×10000 pixels take 300000000 bytes of memory, at most 268435456 are given; /,
  })
})

test('the first frame of an animation is read', async () => {
  const frames = await Promise.all([png(250), png(10)])
  for (const format of ['gif', 'webp'] as const) {
    const animation = await sharp(frames, { join: { animated: true } })
      .toFormat(format)
      .toBuffer()
    const [red] = await decodeSquare(animation, SIZE)
    assert.ok(Number(red) > 240, `${format}: ${red}`)
  }
})

test('an error message has one line', async () => {
  const jpeg = await sharp(await png(9))
    .jpeg()
    .toBuffer()
  await assert.rejects(decodeSquare(jpeg.subarray(0, 200), SIZE), (error: Error) => !error.message.includes('\n'))
})

/** Stripes of every width, whose finest ones no small picture can show. */
function stripes(width: number, height: number) {
  const rgb = Buffer.alloc(width * height * 3)
  for (let i = 0; i < width * height; i++) {
    const [x, y] = [i % width, Math.floor(i / width)]
    rgb.fill(127.5 + 127.5 * Math.cos((x * x + y * y) / 160), i * 3, i * 3 + 3)
  }
  return sharp(rgb, { raw: { width, height, channels: 3 } })
}

for (const filter of ['lanczos3', 'linear'] as const)
  test(`a JPEG becomes as small with ${filter} as if it was decoded in full, and then resized`, async () => {
    const jpeg = await stripes(500, 375).jpeg({ quality: 90 }).toBuffer()
    const whole = await sharp(jpeg).raw().toBuffer({ resolveWithObject: true })
    for (const size of [340, 200, 120, 94, 80, 46, 32, 16]) {
      const reference = await sharp(whole.data, { raw: whole.info })
        .resize(size, size, { fit: 'fill', kernel: filter })
        .raw()
        .toBuffer()
      const decoded = await decodeSquare(jpeg, size, filter)
      const differences = reference.map((value, i) => Math.abs(value - (decoded[i] as number)))
      const mean = differences.reduce((sum, one) => sum + one, 0) / differences.length
      if (size * 4 > 375) assert.equal(mean, 0, `${size} pixels: less than four times as large`)
      else assert.ok(mean > 0 && mean < 2.5, `${size} pixels: ${mean}`)
    }
  })

test('the filters differ, and Lanczos is used by default', async () => {
  const picture = await stripes(100, 75).png().toBuffer()
  const [given, lanczos, linear] = await Promise.all([
    decodeSquare(picture, 40),
    decodeSquare(picture, 40, 'lanczos3'),
    decodeSquare(picture, 40, 'linear'),
  ])
  assert.deepEqual(given, lanczos)
  assert.notDeepEqual(linear, lanczos)
  const stored = await decodeStored(picture, () => ({ width: 40, height: 40 }), 'linear')
  assert.deepEqual(stored.rgb, linear)
})

test('a JPEG with EXIF in any place of its header is rotated', async () => {
  const noise = Buffer.from(Array.from({ length: 16 * 8 * 3 }, (_, i) => (i * i * 7 + i) % 251))
  const file = await sharp(noise, { raw: { width: 16, height: 8, channels: 3 } })
    .withMetadata({ orientation: 3 })
    .jpeg()
    .toBuffer()
  const exif = segmentAt(file, 0xe1)
  const [before, after] = [file.subarray(0, exif.start), file.subarray(exif.end)]
  const scan = segmentAt(after, 0xda).start
  const late = Buffer.concat([
    before,
    after.subarray(0, scan),
    file.subarray(exif.start, exif.end),
    after.subarray(scan),
  ])
  const plain = Buffer.concat([before, after])
  const [rotated, moved, stored] = await Promise.all([file, late, plain].map((one) => decodeSquare(one, SIZE)))
  assert.deepEqual(moved, rotated)
  assert.notDeepEqual(stored, rotated)
})

/** Where a segment of a JPEG begins and ends. Before it, `bytes` may begin in the middle of the header. */
function segmentAt(bytes: Buffer, marker: number): { start: number; end: number } {
  const start = bytes.indexOf(Buffer.of(0xff, marker))
  return { start, end: start + 2 + bytes.readUInt16BE(start + 2) }
}
