import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { beforeEach, describe, test } from 'node:test'
import { type FileSystem, realFileSystem } from '../../../src/checkpoint/file-system.ts'
import { findLatest } from '../../../src/checkpoint/list.ts'
import { verifyCheckpoint } from '../../../src/checkpoint/load.ts'
import { MANIFEST_FILE } from '../../../src/checkpoint/manifest.ts'
import { encodeClasses } from '../../../src/contract/classes.ts'
import { checkpointFolder, FILES, STEP_FOLDER } from '../../../src/contract/files.ts'
import { createPsMetrics } from '../../../src/metrics/ps.ts'
import { Catalogue, type CatalogueOptions } from '../../../src/ps/catalogue.ts'
import { Rounds, type RoundsOptions, type ShardHandle } from '../../../src/ps/rounds.ts'
import { Skipped } from '../../../src/ps/skipped.ts'
import { Snapshots } from '../../../src/ps/snapshot.ts'
import type { Training } from '../../../src/ps/training.ts'
import { systemClock } from '../../../src/support/clock.ts'
import { DownpourError } from '../../../src/support/errors.ts'
import { silentLog } from '../../../src/support/log.ts'
import { storedVariable } from '../../../src/support/variables.ts'
import { makeLayout } from '../../../src/wire/layout.ts'
import { eventually } from '../../support/eventually.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { body, makeConfig, makeTraining, push, variable, worker } from './fixtures.ts'

const root = temporaryFolder()

const METRIC = { name: 'top1', better: 'higher' } as const
const unfenced = async () => {}
const timing = { clock: systemClock, onPause() {} }

describe('checkpoint rounds', () => {
  let jobFolder: string
  let training: Training
  beforeEach(() => {
    jobFolder = mkdtempSync(join(root, 'job-'))
    training = makeTraining()
  })

  let catalogue: Catalogue
  const makeCatalogue = (more: Partial<CatalogueOptions> = {}) =>
    new Catalogue({
      jobFolder,
      relativeFolder: 'tiny',
      metric: METRIC,
      refused: new Set(),
      fs: realFileSystem,
      ...more,
    })

  function makeRounds(more: Partial<RoundsOptions> = {}): Rounds {
    catalogue = more.catalogue ?? makeCatalogue(more.fs ? { fs: more.fs } : {})
    const config = makeConfig()
    const layout = makeLayout([variable('w', 4)])
    const fs = more.fs ?? realFileSystem
    const snapshots = new Snapshots({ jobFolder, shards: 1, fence: more.fence ?? unfenced, ...timing, fs })
    return new Rounds({
      jobFolder,
      catalogue,
      shards: [{ snapshot: (folder) => snapshots.take(training, folder) }],
      describe: () => ({
        formatVersion: 1,
        step: training.version,
        job: config.job,
        seed: 1,
        optimizer: 'momentum',
        layout: { hash: layout.hash, variables: layout.variables.map(storedVariable) },
        leases: null,
        psIncarnation: 1,
      }),
      classes: () => undefined,
      retention: () => ({ metric: METRIC, keep: 2, keepBest: 0, maxWaiting: 0, pinned: new Set() }),
      skipped: new Skipped({ jobFolder, fence: unfenced, fs, log: silentLog }),
      fence: unfenced,
      onOutdated: () => {},
      fs,
      clock: systemClock,
      log: silentLog,
      metrics: createPsMetrics(),
      ...more,
    })
  }

  function train(steps: number): void {
    for (let i = 0; i < steps; i++)
      training.push(worker(0), push(training.version + 1, { baseVersion: training.version }), body(-1, 0, 0, 0))
  }

  const names = () =>
    readdirSync(jobFolder)
      .filter((name) => STEP_FOLDER.test(name))
      .sort()

  test('commit nothing if a shard returns an inconsistent record, and report the field', async () => {
    training.push(worker(0), push(1), body(1, 1, 1, 1))
    const rounds = makeRounds({
      shards: [
        {
          async snapshot(folder) {
            const record = await new Snapshots({
              jobFolder,
              shards: 1,
              fence: unfenced,
              ...timing,
              fs: realFileSystem,
            }).take(training, folder)
            return { ...record, superseded: ['pod-0'] }
          },
        },
      ],
    })
    assert.equal(await rounds.save(false), false)
    assert.match(rounds.failures.lastError ?? '', /CHECKPOINT_NONSENSE: .*shards\.0\.workers\.0\.podUid: pod-0/)
    assert.deepEqual(readdirSync(jobFolder), [])
  })

  test('write the state at the moment of the call, while training goes on', async () => {
    const rounds = makeRounds()
    train(3)
    const saving = rounds.save(false)
    train(2)
    assert.equal(await saving, true)
    const { latest } = await findLatest(jobFolder)
    assert.equal(latest?.manifest.step, 3)
    assert.equal(latest?.manifest.shards[0]?.workers[0]?.lastSeq, 3, 'the table of pushes has the same state')
    assert.equal(catalogue.infos[0]?.digest, latest?.digest)
  })

  test('write the manifest last, so that a checkpoint exists only with all its shards', async () => {
    const slow = Promise.withResolvers<void>()
    const snapshots = new Snapshots({ jobFolder, shards: 1, fence: unfenced, ...timing, fs: realFileSystem })
    const handle: ShardHandle = {
      async snapshot(folder) {
        const record = await snapshots.take(training, folder)
        await slow.promise
        return record
      },
    }
    train(1)
    const saving = makeRounds({ shards: [handle] }).save(false)
    await systemClock.sleep(20)
    assert.equal((await findLatest(jobFolder)).latest, null)
    slow.resolve()
    await saving
    assert.equal((await findLatest(jobFolder)).latest?.manifest.step, 1)
  })

  test('succeed after one that had no memory for its copy', async (t) => {
    const rounds = makeRounds()
    train(1)
    const capture = t.mock.method(training, 'capture', () => {
      throw new RangeError('Array buffer allocation failed')
    })
    assert.equal(await rounds.save(false), false)
    capture.mock.restore()
    assert.equal(await rounds.save(false), true)
  })

  test('leave no files when they fail, and later rounds succeed', async () => {
    const snapshots = new Snapshots({ jobFolder, shards: 1, fence: unfenced, ...timing, fs: realFileSystem })
    const sound: ShardHandle = { snapshot: (folder) => snapshots.take(training, folder) }
    const other: ShardHandle = {
      snapshot: async () => {
        throw new DownpourError('WIRE_CLOSED', 'a shard went away')
      },
    }
    const shards = [sound]
    const rounds = makeRounds({ shards })
    train(1)
    await rounds.save(false)
    train(1)
    shards.push(other)
    assert.equal(await rounds.save(false), false)
    assert.deepEqual(names(), ['step-000000001'], 'the incomplete checkpoint is removed')
    assert.deepEqual(rounds.failures, { count: 1, lastError: 'WIRE_CLOSED: a shard went away' })
    shards.pop()
    assert.equal(await rounds.save(false), true)
    assert.deepEqual(names(), ['step-000000001', 'step-000000002'])
  })

  test('write the list of classes before the manifest, and fail without it', async () => {
    const list = encodeClasses([{ id: 0, name: 'ant', parents: [] }])
    const order: string[] = []
    let full = false
    const fs: FileSystem = {
      ...realFileSystem,
      open: (...args) => {
        const isList = String(args[0]).includes(FILES.classes)
        if (isList && full) throw Object.assign(new Error('disk full'), { code: 'ENOSPC' })
        return realFileSystem.open(...args)
      },
      rename: async (from, to) => {
        order.push(basename(String(to)))
        await realFileSystem.rename(from, to)
      },
    }
    const rounds = makeRounds({ fs, classes: () => list })
    train(1)
    assert.equal(await rounds.save(false), true)
    assert.deepEqual(order.slice(-2), [FILES.classes, MANIFEST_FILE])
    const { latest } = await findLatest(jobFolder)
    assert.equal(latest?.manifest.classes?.sha256, list.sha256)
    full = true
    train(1)
    assert.equal(await rounds.save(false), false)
    assert.deepEqual(names(), ['step-000000001'], 'no manifest without its list')
  })

  test('fail on a full disk and succeed once space is free', async () => {
    let full = true
    const fs: FileSystem = {
      ...realFileSystem,
      open: (...args) =>
        full ? Promise.reject(Object.assign(new Error('disk full'), { code: 'ENOSPC' })) : realFileSystem.open(...args),
    }
    const rounds = makeRounds({ fs })
    train(1)
    assert.equal(await rounds.save(false), false)
    assert.equal(rounds.failures.lastError, 'ENOSPC: disk full')
    full = false
    assert.equal(await rounds.save(false), true)
  })

  test('never rewrite a step, because transfers and scores know its digest, except to mark it as final', async () => {
    const rounds = makeRounds()
    train(1)
    await rounds.save(false)
    const digest = catalogue.infos[0]?.digest
    await Promise.all([rounds.save(false), rounds.save(false)])
    assert.equal(catalogue.infos[0]?.digest, digest)
    await rounds.save(true)
    const last = catalogue.infos[0]
    assert.deepEqual([last?.step, last?.final], [1, true])
    await rounds.save(false)
    await rounds.save(true)
    assert.equal(catalogue.infos[0]?.digest, last?.digest)
    assert.equal(catalogue.infos.length, 1)
  })

  test('keep the newest and purge the rest, manifest first', async () => {
    const rounds = makeRounds()
    for (let i = 0; i < 4; i++) {
      train(1)
      await rounds.save(false)
    }
    assert.deepEqual(names(), ['step-000000003', 'step-000000004'])
    assert.deepEqual(
      catalogue.infos.map(({ step }) => step),
      [4, 3],
    )
  })

  const waitingRule = (maxWaiting: number) => () => ({
    metric: METRIC,
    keep: 2,
    keepBest: 1,
    maxWaiting,
    pinned: new Set<number>(),
  })

  async function saveSteps(rounds: Rounds, count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      train(1)
      await rounds.save(false)
    }
  }

  function writeScore(step: number, top1: number): void {
    const info = catalogue.infos.find((one) => one.step === step)
    const record = { step, digest: info?.digest, metrics: { top1 }, examples: 9 }
    writeFileSync(join(jobFolder, checkpointFolder(step), FILES.evaluation), JSON.stringify(record))
  }

  test('keep checkpoints until they are scored; beyond the limit the oldest is skipped and counted', async () => {
    const metrics = createPsMetrics()
    const rounds = makeRounds({ retention: waitingRule(3), metrics })
    await saveSteps(rounds, 5)
    assert.deepEqual(names(), [1, 2, 3, 4, 5].map(checkpointFolder))
    writeFileSync(join(jobFolder, checkpointFolder(1), FILES.evaluating), '')
    await saveSteps(rounds, 1)
    assert.deepEqual(names(), [1, 3, 4, 5, 6].map(checkpointFolder), 'step 1 is being scored')
    writeScore(1, 0.9)
    writeScore(3, 0.1)
    await saveSteps(rounds, 1)
    assert.deepEqual(names(), [1, 4, 5, 6, 7].map(checkpointFolder), 'step 1 is the best, step 3 was scored')
    assert.match(await metrics.registry.metrics(), /downpour_checkpoint_skipped_total 1\n/)
  })

  test('delete checkpoints that wait if the disk is full, so that the next round succeeds', async () => {
    let room = 4
    const fs: FileSystem = {
      ...realFileSystem,
      open: (...args) =>
        names().length > room && args[1] === 'w'
          ? Promise.reject(Object.assign(new Error('disk full'), { code: 'ENOSPC' }))
          : realFileSystem.open(...args),
    }
    const skipped = new Skipped({ jobFolder, fence: unfenced, fs, log: silentLog })
    const rounds = makeRounds({ retention: waitingRule(5), fs, skipped })
    await saveSteps(rounds, 4)
    room = 3
    train(1)
    assert.equal(await rounds.save(false), false)
    assert.deepEqual(names(), [3, 4].map(checkpointFolder))
    assert.equal(await rounds.save(true), true)
    assert.deepEqual(names(), [3, 4, 5].map(checkpointFolder))
    assert.equal(skipped.count, 2)
  })

  test('count a skipped checkpoint once if the process is killed between the count and the purge', async () => {
    const rounds = makeRounds({ retention: waitingRule(1) })
    await saveSteps(rounds, 3)
    const first = new Skipped({ jobFolder, fence: unfenced, fs: realFileSystem, log: silentLog })
    await first.note(catalogue.checkpoints, catalogue.checkpoints.slice(0, 1))
    const second = new Skipped({ jobFolder, fence: unfenced, fs: realFileSystem, log: silentLog })
    await second.restore()
    const again = makeRounds({ retention: waitingRule(1), skipped: second })
    await saveSteps(again, 1)
    assert.deepEqual(names(), [2, 3, 4].map(checkpointFolder))
    assert.equal(second.count, 1)
  })

  test('purge also when a skipped checkpoint turns out to be scored, and their counter does not fall', async () => {
    const metrics = createPsMetrics()
    const skipped = new Skipped({ jobFolder, fence: unfenced, fs: realFileSystem, log: silentLog })
    const rounds = makeRounds({ retention: waitingRule(1), metrics, skipped })
    await saveSteps(rounds, 3)
    await skipped.note(catalogue.checkpoints, catalogue.checkpoints.slice(0, 2))
    metrics.skipped.riseTo(skipped.count)
    writeScore(1, 0.9)
    writeScore(2, 0.1)
    await saveSteps(rounds, 1)
    assert.deepEqual(names(), [1, 3, 4].map(checkpointFolder), 'step 1 is the best')
    assert.equal(skipped.count, 0)
    assert.match(await metrics.registry.metrics(), /^downpour_checkpoint_skipped_total 2$/m)
  })

  test('show a score only if its digest is that of the checkpoint', async () => {
    const rounds = makeRounds()
    train(1)
    await rounds.save(false)
    const [saved] = catalogue.infos
    const score = (digest: string) =>
      writeFileSync(
        join(jobFolder, 'step-000000001', FILES.evaluation),
        JSON.stringify({ step: 1, digest, metrics: { top1: 0.5 }, examples: 9 }),
      )
    score('another')
    await catalogue.refresh()
    assert.equal(catalogue.infos[0]?.score, undefined)
    score(saved?.digest ?? '')
    await catalogue.refresh()
    assert.equal(catalogue.infos[0]?.score, 0.5)
  })

  test('ignore a damaged checkpoint, and overwrite it when its step is saved again', async () => {
    train(1)
    await makeRounds().save(false)
    writeFileSync(join(jobFolder, 'step-000000001', 'shard-00000-of-00001.safetensors'), 'damaged')
    const rounds = makeRounds({ catalogue: makeCatalogue({ refused: new Set(['step-000000001']) }) })
    await catalogue.refresh()
    assert.deepEqual(catalogue.infos, [])
    assert.equal(await rounds.save(false), true)
    await verifyCheckpoint(join(jobFolder, 'step-000000001'))
    assert.ok(existsSync(join(jobFolder, 'step-000000001', MANIFEST_FILE)))
    assert.equal(catalogue.infos.length, 1)
  })

  test('stay in the catalogue after a refresh that started before them', async () => {
    const slow = Promise.withResolvers<void>()
    const listed = Promise.withResolvers<void>()
    let listings = 0
    const readdir = async (path: string) => {
      const names = await realFileSystem.readdir(path)
      listed.resolve()
      if (listings++ === 0) await slow.promise
      return names
    }
    const own = makeCatalogue({ fs: { ...realFileSystem, readdir: readdir as FileSystem['readdir'] } })
    const rounds = makeRounds({ catalogue: own })
    const early = own.refresh()
    await listed.promise
    train(1)
    const saving = rounds.save(false)
    await eventually(() => assert.equal(own.infos.length, 1))
    slow.resolve()
    await early
    assert.deepEqual(
      own.infos.map(({ step }) => step),
      [1],
    )
    assert.equal(await saving, true)
  })

  test('have manifests that are read once and scores that are read each time; both stay while the disk fails', async () => {
    train(1)
    await makeRounds().save(false)
    const reads: string[] = []
    let broken = false
    const readFile = ((path: string, options: never) => {
      reads.push(basename(path))
      if (broken) return Promise.reject(Object.assign(new Error('EIO'), { code: 'EIO' }))
      return realFileSystem.readFile(path, options)
    }) as FileSystem['readFile']
    const own = makeCatalogue({ fs: { ...realFileSystem, readFile } })
    for (let i = 0; i < 3; i++) await own.refresh()
    assert.equal(reads.filter((name) => name === MANIFEST_FILE).length, 1)
    const [{ digest, path } = { digest: '', path: '' }] = own.infos
    const score = { step: 1, digest, metrics: { top1: 0.5 }, examples: 9 }
    writeFileSync(join(jobFolder, basename(path), FILES.evaluation), JSON.stringify(score))
    await own.refresh()
    assert.equal(own.infos[0]?.score, 0.5)
    broken = true
    await assert.rejects(own.refresh(), { code: 'CHECKPOINT_UNREADABLE' })
    assert.equal(own.infos[0]?.score, 0.5)
  })

  test('are read again if another process rewrote them', async () => {
    train(1)
    await makeRounds().save(false)
    const own = makeCatalogue()
    await own.refresh()
    const before = own.infos[0]?.digest
    const path = join(jobFolder, 'step-000000001', MANIFEST_FILE)
    writeFileSync(path, readFileSync(path, 'utf8').replace('"final": false', '"final": true'))
    await own.refresh()
    assert.equal(own.infos[0]?.final, true)
    assert.notEqual(own.infos[0]?.digest, before)
  })

  test('of an outdated generation remove nothing, neither an old checkpoint nor one of the same step', async () => {
    const fence = async () => {
      if (isOutdated) throw new DownpourError('OUTDATED_GENERATION', 'generation 1 has taken over')
    }
    let isOutdated = false
    let reported: unknown
    const rounds = makeRounds({ fence, onOutdated: (error) => (reported = error) })
    training.push(worker(0), push(1, { baseVersion: 0 }), body(-1, 0, 0, 0))
    assert.ok(await rounds.save(false))
    const before = readdirSync(jobFolder, { recursive: true }).sort()
    isOutdated = true
    // The newer generation has saved the same step; the outdated one would rewrite it as final.
    assert.equal(await rounds.save(true), false)
    assert.deepEqual(readdirSync(jobFolder, { recursive: true }).sort(), before)
    assert.equal((reported as DownpourError).code, 'OUTDATED_GENERATION')
  })
})
