import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Dtype, encodeHeader } from '../../../src/checkpoint/safetensors-header.ts'
import { TensorFile } from '../../../src/interchange/tensor-file.ts'
import { sha256Of } from '../../../src/support/digest.ts'
import { exec } from '../../../tools/cluster/exec.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

const folder = temporaryFolder()

/** Writes a file with one tensor `x`. */
function write(name: string, dtype: Dtype, values: ArrayBufferView, length: number): string {
  const path = join(folder, name)
  const data = Buffer.from(values.buffer, values.byteOffset, values.byteLength)
  writeFileSync(path, Buffer.concat([encodeHeader([{ name: 'x', dtype, shape: [length] }], { format: 'pt' }), data]))
  return path
}

test('floating-point numbers of every type become float32', async () => {
  const values = [0, -0, 1, -2.5, 65504, 2 ** -14, 1 / 3]
  const bits = new Uint32Array(Float32Array.from(values).buffer)
  const upperHalves = Uint16Array.from(bits, (whole) => whole >>> 16)
  for (const [dtype, stored, tolerance] of [
    ['F32', Float32Array.from(values), 1e-7],
    ['F64', Float64Array.from(values), 1e-7],
    ['F16', Float16Array.from(values), 1e-3],
    ['BF16', upperHalves, 1e-2],
  ] as const) {
    await using file = await TensorFile.open(write(dtype, dtype, stored, values.length))
    const floats = await file.floats('x')
    for (const [i, value] of values.entries())
      assert.ok(
        Math.abs((floats[i] as number) - value) <= tolerance * Math.abs(value),
        `${dtype} ${value}: ${floats[i]}`,
      )
    assert.ok(Object.is(floats[1], -0), dtype)
    assert.deepEqual([...file.header.metadata], [['format', 'pt']])
  }
  await using whole = await TensorFile.open(write('I64', 'I64', BigInt64Array.of(3n), 1))
  await assert.rejects(whole.floats('x'), { code: 'SAFETENSORS_DTYPE', message: /tensor 'x' has dtype I64/ })
})

test('every value of float16 is read as Node reads it', async () => {
  const bits = Uint16Array.from({ length: 1 << 16 }, (_, i) => i)
  await using file = await TensorFile.open(write('halves', 'F16', bits, bits.length))
  const expected = [...new Float16Array(bits.buffer)]
  assert.deepEqual([...(await file.floats('x'))], expected)
})

test('the digest is that of all bytes', async () => {
  const path = write('digest', 'F32', new Float32Array(3 << 20).fill(1.5), 3 << 20)
  await using file = await TensorFile.open(path)
  assert.equal(await file.sha256(), sha256Of(readFileSync(path)))
  const stop = new AbortController()
  stop.abort()
  await assert.rejects(file.sha256(stop.signal), { name: 'AbortError' })
})

test('files of other formats are recognised, and what to do is said', async () => {
  const bytes = (...start: number[]) => Buffer.concat([Buffer.from(start), Buffer.alloc(100, 7)])
  for (const [name, content, message] of [
    ['zip.pth', bytes(0x50, 0x4b, 3, 4), /zip.pth is a zip archive, as torch.save writes it; .*save_file/],
    ['old.pth', bytes(0x80, 2, 0x8a, 0x0a, 0x6c), /old.pth is a file of an old torch.save; .*save_file/],
    ['x.pkl', bytes(0x80, 4, 0x95), /a pickle of Python/],
    ['x.json', Buffer.from('{ "these": "are no weights" }'), /x.json is a text file; expected a safetensors file/],
    [
      'lfs.safetensors',
      Buffer.from('version https://git-lfs.github.com/spec/v1\n'),
      /a pointer of Git LFS.*git lfs pull/,
    ],
    ['x.h5', bytes(0x89, 0x48, 0x44, 0x46), /HDF5/],
    ['x.npy', bytes(0x93, 0x4e, 0x55, 0x4d), /NumPy/],
    ['x.gz', bytes(0x1f, 0x8b, 8, 0, 0, 0, 0, 0), /gzip/],
  ] as const) {
    writeFileSync(join(folder, name), content)
    await assert.rejects(TensorFile.open(join(folder, name)), { code: 'NOT_SAFETENSORS', message }, name)
  }
})

test('a valid file may begin like one of another format', async () => {
  // The length of the header, 0x80 in its lowest byte, is also how a pickle begins.
  const name = 'x'.repeat(
    0x80 - Buffer.byteLength('{"__metadata__":{},"":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}'),
  )
  const path = join(folder, 'like-a-pickle')
  const header = encodeHeader([{ name, dtype: 'F32', shape: [] }], {})
  assert.equal(header[0], 0x80)
  writeFileSync(path, Buffer.concat([header, Buffer.alloc(4)]))
  await using file = await TensorFile.open(path)
  assert.deepEqual([...file.header.entries.keys()], [name])
})

test('malformed, shortened and special files are refused by name', async () => {
  const path = (name: string, content: string | Buffer) => {
    writeFileSync(join(folder, name), content)
    return join(folder, name)
  }
  const whole = write('whole', 'F32', new Float32Array(100), 100)
  truncateSync(whole, 300)
  mkdirSync(join(folder, 'folder'))
  await exec('mkfifo', [join(folder, 'pipe')])
  const metadata = Buffer.from(`{"__metadata__":{"step":5}}`)
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(metadata.length))
  for (const [file, code, message] of [
    [path('empty', ''), 'SAFETENSORS_INVALID', /empty is not a valid safetensors file: it is shorter than 8 bytes/],
    [path('noise', Buffer.alloc(64, 0x9d)), 'SAFETENSORS_INVALID', /it claims a header of/],
    [path('metadata', Buffer.concat([length, metadata])), 'SAFETENSORS_INVALID', /__metadata__.step is not a text/],
    [whole, 'SAFETENSORS_INVALID', /whole is not a valid safetensors file: tensor 'x' is outside of the file/],
    [join(folder, 'none'), 'FILE_UNREADABLE', /none cannot be read: ENOENT/],
    [join(folder, 'folder'), 'FILE_UNREADABLE', /folder cannot be read: it is not a regular file/],
    [join(folder, 'pipe'), 'FILE_UNREADABLE', /pipe cannot be read: it is not a regular file/],
  ] as const)
    await assert.rejects(TensorFile.open(file), { code, message }, file)
})

test('a file that becomes shorter while it is read is refused', async () => {
  const path = write('shrinking', 'F32', new Float32Array(100), 100)
  await using file = await TensorFile.open(path)
  truncateSync(path, 200)
  await assert.rejects(file.floats('x'), { code: 'FILE_UNREADABLE', message: /it ends at byte 200/ })
})
