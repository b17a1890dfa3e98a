/** Each alert fires by its real cause, names the job and the runbook, and resolves when the cause is gone. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { dump, loadAll } from 'js-yaml'
import { ALERTS } from '../../tools/monitoring/alerts.ts'
import { DEFAULTS } from '../../tools/monitoring/rule-files.ts'
import { untilStep } from '../faults/disturb.ts'
import { prepareSmallJobs, type SmallJobs } from '../faults/small-job.ts'
import { eventually } from '../support/eventually.ts'
import { CANNOT_MOUNT, mountSmallDisk, type SmallDisk } from '../support/small-disk.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import type { Notification } from './alertmanager.ts'
import { CAUSES, JOB, NAN_JOB, WORKERS } from './causes.ts'
import { startWatchedRun, type WatchedRun } from './watched-run.ts'

const STARTS_WITHIN_MS = 60_000
const FIRES_WITHIN_MS = 60_000
const RESOLVES_WITHIN_MS = 90_000
/** What the disk of the run has room for: the journal, logs and some checkpoints of 1 MB. */
const DISK = '200m'
const folder = temporaryFolder()
const bug = join(folder, 'bug')

test('each alert has a cause', () => {
  const raised = new Set(CAUSES.flatMap(({ fires }) => fires))
  assert.deepEqual([...raised].sort(), ALERTS.map(({ name }) => name).sort())
})

describe('alerts', { concurrency: false, skip: CANNOT_MOUNT }, () => {
  let jobs: SmallJobs
  let disk: SmallDisk
  let watched: WatchedRun
  /** Notifications before this one belong to earlier causes. */
  let seen = 0

  before(async () => {
    jobs = await prepareSmallJobs()
    const endless = { maxSteps: 1_000_000, checkpoint: { everySteps: 50 }, workers: { replicas: WORKERS } }
    const { file, stateDir } = await jobs.next(endless, JOB)
    await addDivergingJob(file)
    disk = mountSmallDisk(stateDir, DISK)
    process.env.NODE_OPTIONS = `--import ${new URL('planted-bug.ts', import.meta.url).href}`
    process.env.DOWNPOUR_TEST_BUG = bug
    watched = await startWatchedRun([file], stateDir, folder)
    await untilStep(watched.run, { kind: 'PretrainJob', name: JOB }, 100, STARTS_WITHIN_MS)
  })
  after(async () => {
    await watched?.stop()
    disk?.unmount()
    await jobs.remove()
  })

  for (const { cause, fires, mayFire = [], job = JOB, begin, meanwhile } of CAUSES) {
    test(`${cause} raises ${fires.join(', ')}, and its end resolves them`, async (t) => {
      seen = watched.alertmanager.notifications().length
      const place = { ...watched, disk, bug }
      const end = await begin(place)
      try {
        for (const name of fires) assertNames(await notified(name, 'firing', FIRES_WITHIN_MS), job)
        await meanwhile?.(place)
      } finally {
        await end()
      }
      for (const name of fires) await notified(name, 'resolved', RESOLVES_WITHIN_MS)
      await eventually(async () => assert.deepEqual(await firing(), []), { timeoutMs: RESOLVES_WITHIN_MS })
      const others = since().map(({ labels }) => labels.alertname ?? '')
      t.diagnostic([...new Set(others)].join(', '))
      assert.deepEqual(
        others.filter((name) => !fires.includes(name) && !mayFire.includes(name)),
        [],
      )
    })
  }

  const since = () => watched.alertmanager.notifications().slice(seen)

  async function notified(name: string, status: string, timeoutMs: number): Promise<Notification> {
    return eventually(
      async () => {
        const found = since().find((one) => one.labels.alertname === name && one.status === status)
        return found ?? assert.fail(`${name} is not ${status}; ${await firing()}; ${watched.run.output().slice(-2000)}`)
      },
      { timeoutMs },
    )
  }

  async function firing(): Promise<string[]> {
    const alerts = await watched.prometheus.query('ALERTS{alertstate="firing"}')
    return alerts.map(({ metric }) => metric.alertname ?? '')
  }
})

/** A job that is suspended until its learning rate is to make all gradients infinite. */
async function addDivergingJob(file: string): Promise<void> {
  const documents = loadAll(readFileSync(file, 'utf8')) as { metadata: { name: string }; spec: object }[]
  const job = documents.at(-1) ?? assert.fail('no job')
  const spec = {
    ...job.spec,
    suspend: true,
    learningRate: { type: 'constant', initial: 1e30 },
    maxNonFinite: 1_000_000,
  }
  const diverging = { ...job, metadata: { name: NAN_JOB }, spec }
  await writeFile(file, [...documents, diverging].map((one) => dump(one)).join('---\n'))
}

function assertNames({ labels, annotations }: Notification, job: string): void {
  const name = labels.alertname ?? ''
  const alert = ALERTS.find((one) => one.name === name)
  if (alert?.description.includes('$labels.job_name')) {
    assert.deepEqual([labels.namespace, labels.kind, labels.job_name], ['default', 'PretrainJob', job])
    assert.match(annotations.description ?? '', new RegExp(`PretrainJob default/${job}`))
  }
  assert.equal(annotations.runbook_url, `${DEFAULTS.runbookUrl}${name}.md`)
}
