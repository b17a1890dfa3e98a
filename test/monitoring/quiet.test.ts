/** What belongs to the life of a job raises no alert: a chain, a restarted operator, a replaced worker, a suspension, the end. */
import assert from 'node:assert/strict'
import { appendFile } from 'node:fs/promises'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { dump } from 'js-yaml'
import { API_VERSION, PLURALS } from '../../src/contract/names.ts'
import { kill, untilStep } from '../faults/disturb.ts'
import { finetuneJob, JOB, prepareSmallJobs } from '../faults/small-job.ts'
import { eventually } from '../support/eventually.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { startWatchedRun } from './watched-run.ts'

const WITHIN_MS = 120_000
const STEPS = 3_000
/** Longer than the scaled age of a checkpoint that raises an alert. */
const SUSPENDED_MS = 25_000
const folder = temporaryFolder()
const REF = { apiVersion: API_VERSION, plural: PLURALS.PretrainJob, namespace: 'default', name: JOB }

test('a chain whose operator is restarted, whose worker is replaced, and that is suspended for a time is quiet', async (t) => {
  const jobs = await prepareSmallJobs()
  const { file, stateDir } = await jobs.next({ maxSteps: STEPS, checkpoint: { everySteps: 100 } })
  for (const init of ['pretrained', 'random'] as const)
    await appendFile(file, `---\n${dump(finetuneJob(init, init, 200))}`)
  const watched = await startWatchedRun([file], stateDir, folder)
  const { run, prometheus, alertmanager } = watched
  t.after(async () => {
    await watched.stop()
    await jobs.remove()
  })
  const pretraining = { kind: 'PretrainJob', name: JOB } as const
  const phaseIs = (phase: string) =>
    eventually(async () => assert.equal((await run.job('PretrainJob', JOB)).status?.phase, phase), {
      timeoutMs: WITHIN_MS,
    })
  await untilStep(run, pretraining, STEPS * 0.1, WITHIN_MS)
  kill(run.operatorPid())
  await untilStep(run, pretraining, STEPS * 0.25, WITHIN_MS)
  kill(run.podPid('worker', 1))
  await untilStep(run, pretraining, STEPS * 0.5, WITHIN_MS)
  const client = await run.client()
  await client.mergePatch(REF, { spec: { suspend: true } })
  await phaseIs('Suspended')
  await sleep(SUSPENDED_MS)
  await client.mergePatch(REF, { spec: { suspend: false } })
  await phaseIs('Running')
  assert.equal(await run.ended(WITHIN_MS), 0, run.output())
  assert.deepEqual(
    run.results().map(({ metadata, status }) => [metadata.name, status?.phase]),
    [JOB, 'pretrained', 'random'].map((name) => [name, 'Succeeded']),
  )
  const fired = await prometheus.query('count by (alertname) (count_over_time(ALERTS{alertstate="firing"}[30m]))')
  assert.deepEqual(
    fired.map(({ metric }) => metric.alertname),
    [],
    run.output(),
  )
  assert.deepEqual(alertmanager.notifications(), [])
  // The operators before and after the restart have series of their own.
  const watchedFor = await prometheus.query('sum(count_over_time(downpour_job_step{kind="PretrainJob"}[30m]))')
  assert.ok(Number(watchedFor[0]?.value[1]) > 20, 'Prometheus saw the job')
})
