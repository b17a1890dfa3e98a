/** Checks the bytes by hand against the format in https://github.com/huggingface/safetensors. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeSafetensors, encodeSafetensors } from '../../../src/checkpoint/safetensors.ts'

const runs = [
  {
    tensors: [
      { name: 'conv/weights', shape: [2, 2] },
      { name: 'scalar', shape: [] },
    ],
    flat: Float32Array.of(1, 2, 3, 4, 5),
  },
  { tensors: [{ name: '__proto__', shape: [1] }], flat: Float32Array.of(6) },
]
const encoded = Buffer.concat(encodeSafetensors(runs, { format: 'pt' }))

function arrayBufferOf(bytes: Uint8Array): ArrayBuffer {
  return Uint8Array.from(bytes).buffer
}

/** @returns a file with this header and this many bytes of data */
function file(header: string, dataBytes = 0): ArrayBuffer {
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(Buffer.byteLength(header)))
  return arrayBufferOf(Buffer.concat([length, Buffer.from(header), Buffer.alloc(dataBytes)]))
}

test('a file has the header length, a JSON header padded with spaces to 8 bytes, then little-endian float32', () => {
  const headerBytes = Number(encoded.readBigUInt64LE(0))
  assert.equal(headerBytes % 8, 0)
  const header = JSON.parse(encoded.subarray(8, 8 + headerBytes).toString('utf8'))
  assert.deepEqual(header.__metadata__, { format: 'pt' })
  const data = encoded.subarray(8 + headerBytes)
  for (const [name, shape, values] of [
    ['conv/weights', [2, 2], [1, 2, 3, 4]],
    ['scalar', [], [5]],
    ['__proto__', [1], [6]],
  ] as const) {
    const entry = Object.getOwnPropertyDescriptor(header, name)?.value
    assert.deepEqual([entry.dtype, entry.shape], ['F32', shape])
    const [begin, end] = entry.data_offsets
    assert.equal(end - begin, 4 * values.length)
    assert.deepEqual(
      values,
      values.map((_, i) => data.readFloatLE(begin + 4 * i)),
    )
  }
  assert.equal(data.length, 24, 'no holes')
})

test('reading returns the tensors that were written', () => {
  const tensors = decodeSafetensors(arrayBufferOf(encoded))
  assert.deepEqual([...tensors.keys()], ['conv/weights', 'scalar', '__proto__'])
  assert.deepEqual(tensors.get('conv/weights'), { shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) })
})

test('tensors of another writer that start at an unaligned byte are read too', () => {
  const header = '{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}} '
  assert.notEqual((8 + header.length) % 4, 0)
  assert.deepEqual([...(decodeSafetensors(file(header, 4)).get('x')?.data ?? [])], [0])
})

test('malformed files are refused with the reason', () => {
  const tensor = (more: object) => JSON.stringify({ x: { dtype: 'F32', shape: [1], data_offsets: [0, 4], ...more } })
  const cases: [ArrayBuffer, RegExp][] = [
    [new ArrayBuffer(4), /shorter than 8 bytes/],
    [arrayBufferOf(Buffer.alloc(16, 0xff)), /claims a header of/],
    [file('nonsense'), /not JSON/],
    [file('[]'), /not an object/],
    [file(tensor({ dtype: 'F16' }), 4), /dtype F16/],
    [file(tensor({ shape: [-1] }), 4), /lacks shape or offsets/],
    [file(tensor({ data_offsets: [4, 0] }), 4), /outside of the file/],
    [file(tensor({ data_offsets: [0, 400] }), 4), /outside of the file/],
    [file(tensor({ shape: [2] }), 4), /4 bytes for shape \[2\]/],
  ]
  for (const [bytes, message] of cases)
    assert.throws(() => decodeSafetensors(bytes), { code: 'SAFETENSORS_INVALID', message })
})
