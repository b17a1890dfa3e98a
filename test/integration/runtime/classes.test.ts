/** All processes of a job use one list of classes, also after restarts. */
import assert from 'node:assert/strict'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { findLatest } from '../../../src/checkpoint/list.ts'
import { loadClasses, verifyCheckpoint } from '../../../src/checkpoint/load.ts'
import { encodeManifest, MANIFEST_FILE } from '../../../src/checkpoint/manifest.ts'
import { readManifest } from '../../../src/checkpoint/read-manifest.ts'
import { encodeClasses } from '../../../src/contract/classes.ts'
import { FILES } from '../../../src/contract/files.ts'
import type { ShardClient } from '../../../src/worker/client.ts'
import { eventually } from '../../support/eventually.ts'
import { classesNamed, type Fleet } from './harness.ts'
import { forEachTest, latestStep, layout, suspend, train } from './small-fleet.ts'

const checkpoint = { path: 'tiny', everySteps: 2, keep: 3, keepBest: 0, keepSteps: [] }
const ANT_FIRST = classesNamed('ant', 'bee', 'cat')
const CAT_FIRST = classesNamed('cat', 'bee', 'ant')

const namesOf = ({ classes }: ShardClient) => classes.map(({ name }) => name)
const statusOf = ({ servers: [first] }: Fleet) => first?.status().classes
const idOf = (classes: typeof ANT_FIRST) => {
  const { count, sha256 } = encodeClasses(classes)
  return { count, sha256 }
}

describe('the classes of a job', { concurrency: false }, () => {
  const { fleetOf, volume } = forEachTest()

  test('are those of the first admitted worker, and every other worker receives them', async () => {
    const fleet = await fleetOf(2)
    assert.equal(statusOf(fleet), null)
    const first = await fleet.connect(0, layout, { classes: ANT_FIRST })
    const other = await fleet.connect(1, layout, { classes: CAT_FIRST })
    const subset = await fleet.connect(2, layout, { classes: classesNamed('bee') })
    for (const client of [first, other, subset]) assert.deepEqual(namesOf(client), ['ant', 'bee', 'cat'])
    assert.deepEqual(statusOf(fleet), idOf(ANT_FIRST))
  })

  test('are one list even if workers with different lists connect at the same moment', async () => {
    const fleet = await fleetOf(1)
    const lists = [ANT_FIRST, CAT_FIRST, ANT_FIRST, CAT_FIRST, ANT_FIRST, CAT_FIRST]
    const clients = await Promise.all(lists.map((classes, index) => fleet.connect(index, layout, { classes })))
    assert.equal(new Set(clients.map((client) => namesOf(client).join())).size, 1)
  })

  test('are received by a worker whose folder lacks classes, even if it connects first', async () => {
    const fleet = await fleetOf(1)
    const asked = Promise.withResolvers<void>()
    const mayOfferClasses = () => {
      asked.resolve()
      return false
    }
    const early = fleet.connect(1, layout, { classes: classesNamed('bee'), mayOfferClasses })
    await asked.promise
    assert.equal(statusOf(fleet), null)
    await fleet.connect(0, layout, { classes: ANT_FIRST })
    assert.deepEqual(namesOf(await early), ['ant', 'bee', 'cat'])
    await train(await early, 1)
  })

  test('are awaited by a worker during a restart of all servers', async () => {
    const fleet = await fleetOf(1)
    const early = fleet.connect(1, layout, { classes: classesNamed('bee'), mayOfferClasses: () => false })
    await eventually(() => assert.equal(fleet.servers[0]?.status().workersConnected, 1))
    await fleet.restart()
    await fleet.connect(0, layout, { classes: ANT_FIRST })
    assert.deepEqual(namesOf(await early), ['ant', 'bee', 'cat'])
  })

  test('are sent also to a worker with other files, because an additional class is the better error', async () => {
    const fleet = await fleetOf(1)
    await fleet.connect(0, layout, { classes: ANT_FIRST })
    const other = await fleet.connect(1, layout, { classes: classesNamed('ant', 'dog'), dataUnits: 9 })
    assert.deepEqual(namesOf(other), ['ant', 'bee', 'cat'])
    await assert.rejects(other.leases.next(), { code: 'DATA_UNITS_MISMATCH' })
  })

  test('are not written if another file has their name, and training continues', async () => {
    const folder = await volume()
    const ofJob = join(folder, 'tiny', FILES.classes)
    await mkdir(join(ofJob, 'mine'), { recursive: true })
    const fleet = await fleetOf(1, { checkpoint }, { folder })
    await train(await fleet.connect(0, layout, { classes: ANT_FIRST }), 2)
    await eventually(async () => assert.equal(await latestStep(folder), 2))
    assert.deepEqual(await readdir(ofJob), ['mine'])
  })

  test('may be a long list', async () => {
    const fleet = await fleetOf(2)
    const long = classesNamed(...Array.from({ length: 18_291 }, (_, i) => `a label of common length ${i}`))
    await fleet.connect(0, layout, { classes: long })
    const other = await fleet.connect(1, layout, { classes: classesNamed('a label of common length 7') })
    assert.deepEqual(other.classes, long)
  })

  test('are in a file beside the manifest, which has their hash, and in the folder of the running job', async () => {
    const folder = await volume()
    const fleet = await fleetOf(2, { checkpoint }, { folder })
    const client = await fleet.connect(0, layout, { classes: ANT_FIRST })
    const ofJob = join(folder, 'tiny', FILES.classes)
    const { bytes, ...id } = encodeClasses(ANT_FIRST)
    await eventually(async () => assert.deepEqual(await readFile(ofJob), bytes))
    await train(client, 2)
    await eventually(async () => assert.equal(await latestStep(folder), 2))
    const { latest } = await findLatest(join(folder, 'tiny'))
    assert.ok(latest)
    assert.deepEqual(latest.manifest.classes, { file: 'classes.json', bytes: bytes.length, ...id })
    assert.deepEqual((await loadClasses(latest.folder, latest.manifest))?.classes, ANT_FIRST)
  })

  test('are those of the checkpoint after suspend and resume, with any first worker', async () => {
    const folder = await volume()
    const fleet = await fleetOf(1, { checkpoint }, { folder })
    await train(await fleet.connect(0, layout, { classes: ANT_FIRST }), 2)
    await suspend(fleet)
    const again = await fleetOf(1, { checkpoint }, { folder })
    assert.deepEqual(statusOf(again), idOf(ANT_FIRST), 'before any worker connects')
    const client = await again.connect(0, layout, { classes: CAT_FIRST, podUid: 'later', attempt: 1 })
    assert.deepEqual(namesOf(client), ['ant', 'bee', 'cat'])
  })

  test('are those of the first worker for an old checkpoint without a list', async () => {
    const folder = await volume()
    const fleet = await fleetOf(1, { checkpoint }, { folder })
    await train(await fleet.connect(0, layout, { classes: ANT_FIRST }), 2)
    await suspend(fleet)
    const { latest } = await findLatest(join(folder, 'tiny'))
    assert.ok(latest)
    const { classes, ...old } = latest.manifest
    assert.ok(classes)
    await writeFile(join(latest.folder, MANIFEST_FILE), encodeManifest(old))
    await rm(join(latest.folder, classes.file))
    const again = await fleetOf(1, { checkpoint }, { folder })
    const client = await again.connect(0, layout, { classes: CAT_FIRST, podUid: 'later', attempt: 1 })
    assert.deepEqual([namesOf(client), statusOf(again)], [['cat', 'bee', 'ant'], idOf(CAT_FIRST)])
    await train(client, 2)
    await eventually(async () => assert.equal(await latestStep(folder), 4))
    const { manifest } = await readManifest(join(folder, 'tiny', 'step-000000004'))
    assert.equal(manifest.classes?.sha256, idOf(CAT_FIRST).sha256)
  })

  test('are sent again by the workers if all servers restart before the first checkpoint', async () => {
    const fleet = await fleetOf(1)
    await fleet.connect(0, layout, { classes: ANT_FIRST })
    const other = await fleet.connect(1, layout, { classes: CAT_FIRST })
    await fleet.restart()
    await eventually(() => assert.deepEqual(statusOf(fleet), idOf(ANT_FIRST)), { timeoutMs: 20_000 })
    await train(other, 1)
  })

  test('that are damaged on disk cause the checkpoint to be skipped', async () => {
    const folder = await volume()
    const fleet = await fleetOf(1, { checkpoint }, { folder })
    await train(await fleet.connect(0, layout, { classes: ANT_FIRST }), 4)
    await suspend(fleet)
    const { latest } = await findLatest(join(folder, 'tiny'))
    assert.ok(latest)
    const path = join(latest.folder, FILES.classes)
    const text = await readFile(path, 'utf8')
    await writeFile(path, text.replace('ant', 'axt'))
    await assert.rejects(verifyCheckpoint(latest.folder), { code: 'CHECKPOINT_CORRUPT', message: /classes\.json/ })
    await rename(path, `${path}.away`)
    await assert.rejects(verifyCheckpoint(latest.folder), { code: 'CHECKPOINT_TORN', message: /classes\.json/ })
    assert.equal(await latestStep(folder), 2, 'the one before is used')
  })
})
