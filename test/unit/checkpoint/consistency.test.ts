/** Tests checkpoints whose hashes match and whose contents are inconsistent. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { isDamage } from '../../../src/checkpoint/damage.ts'
import { findLatest } from '../../../src/checkpoint/list.ts'
import { loadCheckpoint, verifyCheckpoint } from '../../../src/checkpoint/load.ts'
import { MANIFEST_FILE } from '../../../src/checkpoint/manifest.ts'
import { verifyFolder } from '../../../src/cli/verbs/checkpoint.ts'
import { errorMessage } from '../../../src/support/errors.ts'
import { placesIn } from '../../support/json-places.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { capture } from '../cli/io.ts'
import { writeCheckpoint } from './fixtures.ts'

const SHARD = 'shard-00000-of-00002.safetensors'
const root = temporaryFolder()

type Json = null | boolean | number | string | Json[] | { [key: string]: Json }
type Change = (json: Json) => void

/** @returns an edit that sets the value at a path such as `shards.0.version` */
function set(path: string | readonly string[], value: Json | undefined): Change {
  return (json) => {
    const keys = typeof path === 'string' ? path.split('.') : [...path]
    const last = keys.pop() as string
    const holder = keys.reduce((at, key) => (at as Record<string, Json>)[key] as Json, json) as Record<string, Json>
    if (value === undefined) delete holder[last]
    else holder[last] = value
  }
}

async function twoCheckpoints(): Promise<{ jobFolder: string; folder: string }> {
  const jobFolder = mkdtempSync(join(root, 'job-'))
  await writeCheckpoint(jobFolder, 10)
  const worker = { index: 0, podUid: 'a', lastSeq: 20, lastResult: 'applied', contributed: true }
  const leases = { units: 4, epoch: 1, position: 2, open: [{ epoch: 1, unit: 3 }] }
  const folder = await writeCheckpoint(jobFolder, 20, { leases })
  for (const shard of [0, 1]) {
    change(folder, set(`shards.${shard}.workers`, [worker]))
    change(folder, set(`shards.${shard}.superseded`, ['old']))
  }
  return { jobFolder, folder }
}

function change(folder: string, ...changes: Change[]): void {
  const path = join(folder, MANIFEST_FILE)
  const json = JSON.parse(readFileSync(path, 'utf8'))
  for (const one of changes) one(json)
  writeFileSync(path, JSON.stringify(json))
}

/** Changes the header or the bytes of a shard file, and updates its hash in the manifest. */
function rewriteShard(folder: string, edit: (header: string, data: Buffer) => [string, Buffer, number?]): void {
  const path = join(folder, SHARD)
  const file = readFileSync(path)
  const length = Number(file.readBigUInt64LE(0))
  const [header, data, claimed] = edit(file.subarray(8, 8 + length).toString(), file.subarray(8 + length))
  const head = Buffer.alloc(8)
  head.writeBigUInt64LE(BigInt(claimed ?? Buffer.byteLength(header)))
  const bytes = Buffer.concat([head, Buffer.from(header), data])
  writeFileSync(path, bytes)
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  change(folder, set('shards.0.bytes', bytes.length), set('shards.0.sha256', sha256))
}

/** Asserts that the previous checkpoint is used, and that the reason names the file. */
async function mustBePassedOver(jobFolder: string, folder: string, file: string, reason: RegExp): Promise<void> {
  const { latest, refused } = await findLatest(jobFolder)
  assert.equal(latest?.manifest.step, 10)
  assert.equal(refused.length, 1)
  assert.match(refused[0]?.reason ?? '', reason)
  assert.ok(refused[0]?.reason.includes(join(folder, file)), refused[0]?.reason)
  const { written, io } = capture()
  assert.equal(await verifyFolder(jobFolder, io), 1)
  assert.match(written.out, /^step-000000010 {2}intact.*\n$/)
  assert.match(written.err, reason)
}

describe('an inconsistent manifest is skipped if it has', () => {
  const worker = { index: 0, podUid: 'a', lastSeq: 20, lastResult: 'applied', contributed: true }
  const cases: [what: string, reason: RegExp, ...Change[]][] = [
    ['another step than its folder', /step: 5000: .*step-000000020/, set('step', 5000)],
    [
      'a version of 2^50',
      /shards.0.version: 1125899906842624: expected the step, 20/,
      set('shards.0.version', 2 ** 50),
    ],
    ['a version of 2^50 of another shard', /shards.1.version: .*far from the step/, set('shards.1.version', 2 ** 50)],
    ['a negative step', /step: Too small/, set('step', -1)],
    ['half a step', /step: Invalid input/, set('step', 20.5)],
    ['a step that is a string', /step: Invalid input/, set('step', '20')],
    ['no step', /step: Invalid input/, set('step', undefined)],
    ['a savedAt that is not a date', /savedAt: yesterday: expected a date/, set('savedAt', 'yesterday')],
    ['no shards', /shards: Too small/, set('shards', [])],
    ['shards in another order', /shards.0.index: 1: expected 0/, set('shards.0.index', 1)],
    ['one shard twice', /shards.file: .*twice/, set('shards.1.file', SHARD)],
    ['a file outside of its folder', /shards.1.file: Invalid/, set('shards.1.file', '../x')],
    ['a variable with another shape', /layout.hash: .*its variables have/, set('layout.variables.0.shape', [4])],
    ['a variable twice', /layout.variables: two variables are named 'b'/, set('layout.variables.0.name', 'b')],
    ['no variables', /layout.variables: a model needs/, set('layout.variables', [])],
    ['another hash of its layout', /layout.hash: x/, set('layout.hash', 'x')],
    [
      'a push that its shard did not count',
      /shards.0.workers.0.lastSeq: 1099511627776/,
      set('shards.0.workers.0.lastSeq', 2 ** 40),
    ],
    ['a push without its result', /lastSeq: 20: with lastResult none/, set('shards.1.workers.0.lastResult', 'none')],
    ['an unknown result', /lastResult: fine: expected none/, set('shards.1.workers.0.lastResult', 'fine')],
    ['a worker twice', /workers.index: 0: /, set('shards.0.workers', [worker, { ...worker, podUid: 'b' }])],
    ['a pod twice', /workers.podUid: a: /, set('shards.0.workers', [worker, { ...worker, index: 1 }])],
    ['a worker that was replaced', /podUid: a: /, set('shards.1.superseded', ['a'])],
    ['more units than files', /leases.position: 5: there are 4 units/, set('leases.position', 5)],
    ['no units', /leases.units: 0/, set('leases.units', 0)],
    ['2^50 units', /leases.units: Too big/, set('leases.units', 2 ** 50)],
    ['a lease of a unit that does not exist', /leases.open.0: unit 4 of epoch 1/, set('leases.open.0.unit', 4)],
    ['a lease of a later epoch', /leases.open.0: unit 3 of epoch 9/, set('leases.open.0.epoch', 9)],
    ['a lease twice', /leases.open: 1\/3: /, set('leases.open.1', { epoch: 1, unit: 3 })],
  ]
  for (const [what, reason, ...changes] of cases)
    test(what, async () => {
      const { jobFolder, folder } = await twoCheckpoints()
      change(folder, ...changes)
      await mustBePassedOver(jobFolder, folder, MANIFEST_FILE, reason)
    })

  test('a size of 600 MB', async () => {
    const { jobFolder, folder } = await twoCheckpoints()
    truncateSync(join(folder, MANIFEST_FILE), 600_000_000)
    await mustBePassedOver(jobFolder, folder, MANIFEST_FILE, /has 600000000 bytes/)
  })

  test('no JSON object, or JSON that is nested too deep', async () => {
    const deep = '['.repeat(200_000) + ']'.repeat(200_000)
    for (const text of [
      '',
      '{"step":',
      '[]',
      'null',
      '"step"',
      '\u0000',
      deep,
      `{"step":${deep}}`,
      '{"__proto__":1}',
    ]) {
      const { jobFolder, folder } = await twoCheckpoints()
      writeFileSync(join(folder, MANIFEST_FILE), text)
      await mustBePassedOver(jobFolder, folder, MANIFEST_FILE, /is not a manifest/)
    }
  })
})

describe('an inconsistent shard file is skipped if it has', () => {
  const entry = (name: string, shape: number[], begin: number, end: number, dtype = 'F32') =>
    `"${name}":{"dtype":"${dtype}","shape":${JSON.stringify(shape)},"data_offsets":[${begin},${end}]}`
  const slot = 'optimizer.momentum:a'
  const whole = [entry('a', [3], 0, 12), entry(slot, [3], 12, 24)]
  const headers: [what: string, reason: RegExp, header: string][] = [
    ['a header that is not JSON', /header is not JSON/, '{"a":'],
    ['a header that is not an object', /header is not an object/, '[]'],
    ['tensors that overlap', /begins at byte 0, .* ends at 12/, `{${whole[0]},${entry(slot, [3], 0, 12)}}`],
    ['bytes that belong to no tensor', /its tensors end at byte 12 of 24/, `{${whole[0]}}`],
    ['a tensor beyond the file', /is outside of the file/, `{${whole[0]},${entry(slot, [3], 16, 28)}}`],
    ['offsets that are reversed', /is outside of the file/, `{${whole[0]},${entry(slot, [3], 24, 12)}}`],
    ['an unknown dtype', /has dtype BF16/, `{${whole[0]},${entry(slot, [3], 12, 24, 'BF16')}}`],
    ['a shape that does not fit its bytes', /12 bytes for shape \[4\]/, `{${whole[0]},${entry(slot, [4], 12, 24)}}`],
    [
      'a shape whose size overflows',
      /for shape \[9007199254740991,9007199254740991\]/,
      `{${whole[0]},${entry(slot, [2 ** 53 - 1, 2 ** 53 - 1], 12, 24)}}`,
    ],
    ['a name twice', /begins at byte|is outside|ends? at byte/, `{${whole[0]},${whole[0]},${entry('a', [3], 12, 24)}}`],
    ['a name that the layout does not have', /'c' is not a variable/, `{${entry('c', [3], 0, 12)},${whole[1]}}`],
    ['a variable of another shard', /'b' has shape|'b' is in two shards/, `{${entry('b', [3], 0, 12)},${whole[1]}}`],
    [
      'a variable with another shape of the same size',
      /has shape \[1,3\], the layout \[3\]/,
      `{${entry('a', [1, 3], 0, 12)},${whole[1]}}`,
    ],
    [
      'an optimizer slot of an unknown variable',
      /is not a variable/,
      `{${whole[0]},${entry('optimizer.momentum:z', [3], 12, 24)}}`,
    ],
    ['an entry that is null', /has dtype undefined/, '{"a":null}'],
  ]
  for (const [what, reason, header] of headers)
    test(what, async () => {
      const { jobFolder, folder } = await twoCheckpoints()
      rewriteShard(folder, (_, data) => [header, data])
      await mustBePassedOver(jobFolder, folder, SHARD, reason)
    })

  for (const claimed of [2 ** 40, 1e6, 0])
    test(`a header length of ${claimed} bytes`, async () => {
      const { jobFolder, folder } = await twoCheckpoints()
      rewriteShard(folder, (header, data) => [header, data, claimed])
      await mustBePassedOver(jobFolder, folder, SHARD, /claims a header of|header is not JSON/)
    })

  for (const value of [Number.NaN, Number.POSITIVE_INFINITY])
    test(`the value ${value} in a weight or in the optimizer's state`, async () => {
      for (const at of [4, 16]) {
        const { jobFolder, folder } = await twoCheckpoints()
        rewriteShard(folder, (header, data) => {
          data.writeFloatLE(value, at)
          return [header, data]
        })
        await mustBePassedOver(jobFolder, folder, SHARD, /not finite/)
      }
    })

  test("no value for a weight or a part of the optimizer's state", async () => {
    const { jobFolder, folder } = await twoCheckpoints()
    rewriteShard(folder, (_, data) => [`{${whole[0]}}`, data.subarray(0, 12)])
    await mustBePassedOver(jobFolder, folder, '', /'optimizer.momentum:a'/)
  })
})

const odd = fc.oneof(
  fc.constantFrom<Json>(null, -1, 0, 1, 2 ** 31, 2 ** 50, 1e308, 0.5, '', 'x', '__proto__', [], {}, true, [[]]),
  fc.integer(),
  fc.jsonValue() as fc.Arbitrary<Json>,
)

test('a randomly changed manifest is either read unchanged or skipped for the previous checkpoint', async () => {
  const { jobFolder, folder } = await twoCheckpoints()
  const good = readFileSync(join(folder, MANIFEST_FILE), 'utf8')
  const places = placesIn(JSON.parse(good)).filter(({ length }) => length > 0)
  const expected = await loadCheckpoint(folder, { slots: true })
  let passedOver = 0
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...places), fc.option(odd, { nil: undefined }), async (place, value) => {
      writeFileSync(join(folder, MANIFEST_FILE), good)
      change(folder, set(place, value))
      const { latest, refused } = await findLatest(jobFolder)
      if (latest?.manifest.step === 10) {
        passedOver++
        assert.ok(refused[0]?.reason.includes(folder), refused[0]?.reason)
        return
      }
      const { variables, slots } = await loadCheckpoint(folder, { slots: true })
      assert.deepEqual({ variables, slots }, { variables: expected.variables, slots: expected.slots })
    }),
    { numRuns: 500 },
  )
  assert.ok(passedOver > 100, `${passedOver} of 500 were passed over`)
})

test('a randomly changed shard file with a correct hash has the same values or is skipped', async () => {
  const { folder } = await twoCheckpoints()
  const good = readFileSync(join(folder, SHARD))
  const manifest = readFileSync(join(folder, MANIFEST_FILE))
  const header = JSON.parse(good.subarray(8, 8 + Number(good.readBigUInt64LE(0))).toString())
  const places = placesIn(header).filter(({ length }) => length > 0)
  const expected = await loadCheckpoint(folder, { slots: true })
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...places), fc.option(odd, { nil: undefined }), async (place, value) => {
      writeFileSync(join(folder, SHARD), good)
      writeFileSync(join(folder, MANIFEST_FILE), manifest)
      rewriteShard(folder, (_, data) => {
        const changed = structuredClone(header)
        set(place, value)(changed)
        return [JSON.stringify(changed), data]
      })
      try {
        const { variables, slots } = await loadCheckpoint(folder, { slots: true })
        assert.deepEqual({ variables, slots }, { variables: expected.variables, slots: expected.slots })
        await verifyCheckpoint(folder)
      } catch (error) {
        assert.ok(isDamage(error), errorMessage(error))
        assert.ok(errorMessage(error).includes(folder))
      }
    }),
    { numRuns: 500 },
  )
})

test('a worker may have a sequence number far above the version of a shard that was restored', async () => {
  const jobFolder = mkdtempSync(join(root, 'job-'))
  const folder = await writeCheckpoint(jobFolder, 5)
  const worker = { index: 0, podUid: 'a', lastSeq: 30_005, lastResult: 'applied', contributed: true }
  const path = join(folder, MANIFEST_FILE)
  const manifest = JSON.parse(readFileSync(path, 'utf8'))
  manifest.shards[0].workers = [worker]
  writeFileSync(path, JSON.stringify(manifest))
  assert.equal((await findLatest(jobFolder)).latest?.manifest.step, 5)
})
