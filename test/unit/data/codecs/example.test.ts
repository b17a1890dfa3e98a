import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeExample, encodeExample, type Features } from '../../../../src/data/codecs/example.ts'

type Feature = Features[string]

/** Encodes protocol buffers by hand: key = field << 3 | wire type; 0 varint, 2 length-delimited, 5 four bytes. */
function varint(value: bigint): Buffer {
  const bytes: number[] = []
  let rest = BigInt.asUintN(64, value)
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128)
  return Buffer.from([...bytes, Number(rest)])
}

const delimited = (field: number, body: Buffer) =>
  Buffer.concat([varint(BigInt((field << 3) | 2)), varint(BigInt(body.length)), body])
const plainInts = (values: readonly bigint[]) =>
  Buffer.concat(values.map((value) => Buffer.concat([varint(8n), varint(value)])))
const packedInts = (values: readonly bigint[]) => delimited(1, Buffer.concat(values.map(varint)))
const float = (value: number) => {
  const bytes = Buffer.alloc(4)
  bytes.writeFloatLE(value)
  return bytes
}

const [BYTES, FLOATS, INTS] = [1, 2, 3]
const entry = (name: string, kind: number, list: Buffer) =>
  delimited(1, Buffer.concat([delimited(1, Buffer.from(name)), delimited(2, delimited(kind, list))]))
const exampleOf = (...entries: Buffer[]) => delimited(1, Buffer.concat(entries))

test('integers are read packed and unpacked, negative ones too', () => {
  const values = [0n, 1n, 300n, -1n, -(2n ** 40n), 2n ** 53n - 1n]
  for (const list of [packedInts(values), plainInts(values)]) {
    const { label } = decodeExample(exampleOf(entry('label', INTS, list)))
    assert.deepEqual(label, { ints: values.map(Number) })
  }
})

test('floats are read packed and unpacked', () => {
  const values = [0, -1.5, 3.25]
  const packed = delimited(1, Buffer.concat(values.map(float)))
  const plain = Buffer.concat(values.map((value) => Buffer.concat([varint(13n), float(value)])))
  for (const list of [packed, plain]) {
    assert.deepEqual(decodeExample(exampleOf(entry('box', FLOATS, list))).box, { floats: values })
  }
})

test('bytes and several features are read; unknown fields are ignored', () => {
  const unknown = Buffer.concat([delimited(9, Buffer.from('later')), varint(80n), varint(7n), varint(93n), float(1)])
  const list = Buffer.concat([delimited(1, Buffer.from('one')), delimited(1, Buffer.from('two')), unknown])
  const bytes = Buffer.concat([
    unknown,
    exampleOf(entry('image/encoded', BYTES, list), entry('image/class/label', INTS, packedInts([5n]))),
    unknown,
  ])
  const features = decodeExample(bytes)
  assert.deepEqual(Object.keys(features).sort(), ['image/class/label', 'image/encoded'])
  const encoded = features['image/encoded'] as { bytes: Uint8Array[] }
  assert.deepEqual(
    encoded.bytes.map((value) => Buffer.from(value).toString()),
    ['one', 'two'],
  )
})

test('an empty example and a feature without values are empty, not errors', () => {
  assert.deepEqual(decodeExample(Buffer.alloc(0)), {})
  const empty = delimited(1, Buffer.concat([delimited(1, Buffer.from('label')), delimited(2, Buffer.alloc(0))]))
  assert.deepEqual(decodeExample(exampleOf(empty)), { label: { ints: [] } })
})

test('bytes that end in the middle of a field are refused', () => {
  const whole = exampleOf(entry('label', INTS, packedInts([1n, 2n])))
  assert.throws(() => decodeExample(whole.subarray(0, whole.length - 1)))
})

test('the encoder writes the bytes of the encoding by hand', () => {
  const written = encodeExample({ label: { ints: [3, -2] } })
  assert.equal(
    Buffer.from(written).toString('hex'),
    exampleOf(entry('label', INTS, packedInts([3n, -2n]))).toString('hex'),
  )
})

test('any features are read as they were written', () => {
  const feature = fc.oneof(
    fc.array(fc.uint8Array({ maxLength: 9 })).map((all) => ({ bytes: all.map((one) => Uint8Array.from(one)) })),
    fc.array(fc.maxSafeInteger(), { minLength: 1 }).map((ints) => ({ ints })),
    fc.array(fc.float({ noNaN: true }), { minLength: 1 }).map((floats) => ({ floats })),
  )
  fc.assert(
    fc.property(fc.dictionary(fc.string(), feature, { maxKeys: 5 }), (features) => {
      const plain = (feature: Feature) =>
        'bytes' in feature ? feature.bytes.map((bytes) => Buffer.from(bytes).toString('hex')) : feature
      const back = decodeExample(encodeExample(features))
      for (const [name, value] of Object.entries(features)) assert.deepEqual(plain(back[name] as Feature), plain(value))
    }),
  )
})
