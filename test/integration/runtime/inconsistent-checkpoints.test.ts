/** Parameter servers that find checkpoints with matching hashes and inconsistent contents. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { findLatest } from '../../../src/checkpoint/list.ts'
import type { RuntimeConfig } from '../../../src/contract/runtime.ts'
import { placesIn } from '../../support/json-places.ts'
import { endOf, forEachTest, layout, suspend, train } from './small-fleet.ts'

const SHARD = 'shard-00000-of-00001.safetensors'
const OLD = 'step-000000002'
const NEW = 'step-000000004'
const ODD = [null, -1, 0, 1, 7, 0.5, 2 ** 50, 1e308, '', 'x', [], {}, true, undefined]

describe('a parameter server', { concurrency: false }, () => {
  const { fleetOf, volume } = forEachTest()

  /** Makes the folder of a job with checkpoints of steps 2 and 4. */
  async function twoCheckpoints(): Promise<{ folder: string; job: string }> {
    const folder = await volume()
    const checkpoint = { path: 'tiny', keep: 5, keepBest: 0, keepSteps: [2, 4] }
    const fleet = await fleetOf(1, { checkpoint }, { folder })
    const client = await fleet.connect(0, layout)
    await train(client, 4)
    await client.close()
    await suspend(fleet)
    const { latest } = await findLatest(join(folder, 'tiny'))
    assert.equal(latest?.name, NEW)
    return { folder, job: join(folder, 'tiny') }
  }

  async function startedAt(folder: string, more: Partial<RuntimeConfig> = {}): Promise<number> {
    const fleet = await fleetOf(1, more, { folder })
    const client = await fleet.connect(0, layout)
    const { step } = await client.pull()
    await client.close()
    await fleet.close()
    return step
  }

  test('restores the previous checkpoint if a version, a step or a number of units is impossible', async () => {
    const { folder, job } = await twoCheckpoints()
    const good = readFileSync(join(job, NEW, 'manifest.json'), 'utf8')
    for (const [from, to] of [
      ['"version": 4', `"version": ${2 ** 50}`],
      ['"step": 4', '"step": 5000'],
      ['"units": 4', '"units": 1125899906842624'],
    ] as const) {
      assert.ok(good.includes(from))
      writeFileSync(join(job, NEW, 'manifest.json'), good.replace(from, to))
      assert.equal(await startedAt(folder, { maxSteps: 600 }), 2)
    }
  })

  test('restores the previous checkpoint if a header is damaged and its hash is correct', async () => {
    const { folder, job } = await twoCheckpoints()
    damageHeader(join(job, NEW))
    assert.equal(await startedAt(folder), 2)
  })

  test('does not start if all checkpoints are inconsistent, and does not overwrite them from step 0', async () => {
    const { folder, job } = await twoCheckpoints()
    for (const name of [OLD, NEW]) damageHeader(join(job, name))
    await assert.rejects(fleetOf(1, {}, { folder }), {
      code: 'CHECKPOINT_NONE_WHOLE',
      message: /step-0{8}[24]: .*shard-00000-of-00001.safetensors is not a valid safetensors file/,
    })
  })

  test('ends a job beyond maxSteps at once with the restored weights', async () => {
    const { folder, job } = await twoCheckpoints()
    const fleet = await fleetOf(1, { maxSteps: 3 }, { folder })
    assert.deepEqual(await endOf(fleet), [null])
    const { latest } = await findLatest(job)
    assert.deepEqual([latest?.manifest.step, latest?.manifest.final], [4, true])
  })

  test('refuses an inconsistent source of a transfer with the name of the file', async () => {
    const { folder, job } = await twoCheckpoints()
    const { latest } = await findLatest(job)
    const init = { type: 'checkpoint', path: `tiny/${NEW}`, digest: latest?.digest ?? '' } as const
    const manifest = join(job, NEW, 'manifest.json')
    const good = readFileSync(manifest, 'utf8')
    const each = () => ({ sourceDir: folder })
    writeFileSync(manifest, good.replace('"step": 4', '"step": 5'))
    await assert.rejects(fleetOf(1, { init }, { each }), { code: 'CHECKPOINT_BAD_MANIFEST', message: /tiny\/step-0+4/ })
    damageHeader(join(job, NEW))
    const digest = createHash('sha256').update(readFileSync(manifest)).digest('hex')
    writeFileSync(manifest, readFileSync(manifest, 'utf8').replace('"step":5', '"step":4'))
    const now = createHash('sha256').update(readFileSync(manifest)).digest('hex')
    assert.notEqual(now, digest)
    const fleet = await fleetOf(1, { init: { ...init, digest: now } }, { each })
    void fleet.connect(0, layout).catch(() => {})
    const failure = await fleet.servers[0]?.ended
    assert.equal(failure?.code, 'CHECKPOINT_CORRUPT')
    assert.ok(failure?.message.includes(join(job, NEW, SHARD)), failure?.message)
  })

  test('trains despite invalid score and history files', async () => {
    const { folder, job } = await twoCheckpoints()
    const { latest } = await findLatest(job)
    const digest = latest?.digest
    for (const record of [
      null,
      [],
      7,
      'x',
      { digest },
      { digest, metrics: null },
      { digest, metrics: { top1: 'x' } },
    ]) {
      writeFileSync(join(job, NEW, 'evaluation.json'), JSON.stringify(record))
      writeFileSync(join(folder, 'history.jsonl'), `${JSON.stringify(record)}\nnull\n{"step":"x"}\n\u0000\n{"st`)
      assert.equal(await startedAt(folder), 4)
    }
  })

  test('starts from a randomly changed manifest or from the previous one, and trains', async () => {
    const made = await twoCheckpoints()
    const good = readFileSync(join(made.job, NEW, 'manifest.json'), 'utf8')
    const places = placesIn(JSON.parse(good)).filter(({ length }) => length > 0)
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...places), fc.constantFrom(...ODD), async (place, value) => {
        const folder = await volume()
        await cp(made.folder, folder, { recursive: true })
        writeFileSync(join(folder, 'tiny', NEW, 'manifest.json'), changed(good, place, value))
        const fleet = await fleetOf(1, { maxSteps: 600 }, { folder })
        const client = await fleet.connect(0, layout, { podUid: 'another' })
        const { step } = await client.pull()
        assert.ok(step === 2 || step === 4, `step ${step}`)
        assert.equal(await train(client, 1), 'applied')
        await client.close()
        await fleet.close()
      }),
      { numRuns: 60 },
    )
  })
})

/** Damages a shard file, and updates its hash in the manifest. */
function damageHeader(folder: string): void {
  const path = join(folder, SHARD)
  const file = readFileSync(path)
  file[9] = 0x7b // `{{` is not JSON
  writeFileSync(path, file)
  const manifest = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'))
  manifest.shards[0].sha256 = createHash('sha256').update(file).digest('hex')
  writeFileSync(join(folder, 'manifest.json'), JSON.stringify(manifest))
}

function changed(text: string, place: readonly string[], value: unknown): string {
  const json = JSON.parse(text)
  const holder = place.slice(0, -1).reduce((at, key) => at[key], json)
  holder[place.at(-1) ?? ''] = value
  return JSON.stringify(json)
}
