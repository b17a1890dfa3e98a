import assert from 'node:assert/strict'
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { loadCheckpoint, loadClasses, verifyCheckpoint } from '../../../src/checkpoint/load.ts'
import { exportCheckpoint } from '../../../src/interchange/export.ts'
import { importCheckpoint } from '../../../src/interchange/import.ts'
import { TensorFile } from '../../../src/interchange/tensor-file.ts'
import { sizeOf, type VariableSpec } from '../../../src/support/variables.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { writeNetwork } from './fixtures.ts'
import { hashed } from './hashed.ts'

const folder = temporaryFolder()

/** Every bit pattern of a finite number, negative zero and the smallest numbers among them. */
function anyFloats({ name, shape }: VariableSpec): Float32Array {
  const bits = Uint32Array.from({ length: sizeOf(shape) }, (_, i) => hashed(i, name.length * 7919) & 0xbfff_ffff)
  if (bits.length > 1) bits.set([0x8000_0000, 1])
  return new Float32Array(bits.buffer)
}

const bytesOf = (values: Float32Array | undefined) =>
  Buffer.from(values?.buffer ?? new ArrayBuffer(), values?.byteOffset, values?.byteLength)

for (const [backbone, headSlices, shards] of [
  ['resnet50', 3, 17],
  ['resnet152', 2, 2],
] as const)
  test(`export and import of a ${backbone} from ${shards} shards keep every bit and the classes`, async () => {
    const names = ['cat', 'dog', 'bird', 'été', '魚'].map((name, id) => ({ id, name, parents: id > 0 ? [0] : [] }))
    const original = await writeNetwork(join(folder, `${backbone}-job`), {
      ...{ backbone, classes: names.length, headSlices, shards, seed: 1, names, slots: backbone === 'resnet50' },
      valuesOf: anyFloats,
    })
    const { formatVersion } = (await verifyCheckpoint(original)).manifest
    assert.equal(formatVersion, shards === 17 ? 2 : 1, 'with 17 shards, variables are in parts')
    const file = join(folder, `${backbone}.safetensors`)
    await exportCheckpoint({ folder: original, out: file })
    const { folder: imported } = await importCheckpoint({ file, out: join(folder, `${backbone}-imported`) })
    const { manifest } = await verifyCheckpoint(imported)
    assert.deepEqual(manifest.model, { backbone, variant: 'torchvision', batchNormEpsilon: 1e-5 })
    assert.deepEqual((await loadClasses(imported, manifest))?.classes, names)
    assert.deepEqual(readdirSync(imported).sort(), [
      'classes.json',
      'manifest.json',
      'shard-00000-of-00001.safetensors',
    ])

    const [before, after] = [await loadCheckpoint(original), await loadCheckpoint(imported)]
    const ofHead = (name: string) => name.startsWith('head/')
    for (const [name, { shape, data }] of before.variables) {
      if (ofHead(name)) continue
      const again = after.variables.get(name)
      assert.deepEqual(again?.shape, shape)
      assert.ok(bytesOf(data).equals(bytesOf(again?.data)), name)
    }
    assert.equal(after.variables.size, [...before.variables.keys()].filter((name) => !ofHead(name)).length + 2)

    for (const path of [join(folder, `${backbone}-job`), join(folder, `${backbone}-imported`), file])
      rmSync(path, { recursive: true })
  })

test('an imported checkpoint is exported as the file that it came from', async () => {
  const options = { backbone: 'resnet50', classes: 5, headSlices: 2, seed: 2, valuesOf: anyFloats } as const
  const [first, second] = [join(folder, 'first.safetensors'), join(folder, 'second.safetensors')]
  await exportCheckpoint({ folder: await writeNetwork(join(folder, 'twice'), options), out: first })
  const imported = await importCheckpoint({ file: first, out: join(folder, 'twice-imported') })
  await exportCheckpoint({ folder: imported.folder, out: second })
  assert.ok((await dataOf(first)).equals(await dataOf(second)))
})

/** The values of the tensors but the counters, which are the step. */
async function dataOf(path: string): Promise<Buffer> {
  await using file = await TensorFile.open(path)
  const entries = [...file.header.entries].filter(([name]) => !name.endsWith('num_batches_tracked'))
  const data = readFileSync(path)
  return data.subarray(data.length - entries.reduce((sum, [, { begin, end }]) => sum + end - begin, 0))
}

test('the slices of a last layer are joined in their order', async () => {
  const options = { backbone: 'resnet50', classes: 11, headSlices: 11, seed: 3, shards: 3 } as const
  const original = await writeNetwork(join(folder, 'sliced'), options)
  const file = join(folder, 'sliced.safetensors')
  await exportCheckpoint({ folder: original, out: file })
  const { variables } = await loadCheckpoint(original)
  await using exported = await TensorFile.open(file)
  const bias = Array.from({ length: 11 }, (_, i) => variables.get(`head/slice_${i}/bias`)?.data[0])
  assert.deepEqual([...(await exported.floats('fc.bias'))], bias)
  const rows = await exported.floats('fc.weight')
  for (let i = 0; i < 11; i++)
    assert.deepEqual(rows.subarray(i * 2048, (i + 1) * 2048), variables.get(`head/slice_${i}/weights`)?.data)
})
