/**
 * Every command of every runbook is run: on a real API server with fake nodes, or, to read logs of pods, in a local run.
 * Commands that change something change a job of their own, and the job must be well afterwards.
 */
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import type { Job } from '../../src/api/job.ts'
import { API_VERSION, PLURALS } from '../../src/contract/names.ts'
import { ensureCluster } from '../../tools/cluster/ensure-cluster.ts'
import { type Kubectl, kubectlAt } from '../../tools/cluster/kubectl.ts'
import type { Cluster } from '../../tools/cluster/up.ts'
import { prepareSmallJobs, type SmallJobs } from '../faults/small-job.ts'
import { eventually } from '../support/eventually.ts'
import { type LocalRun, startLocalRun } from '../support/local-run.ts'
import { commandsBelow, exportsOfReadme, RUNBOOKS, readPage } from '../support/runbooks.ts'
import { openNamespace, type TestNamespace } from './fixture.ts'
import { runShell } from './shell.ts'

/** Of the jobs, the operator and the release. */
const NAMESPACE = `runbooks-${process.pid}`
const OBSERVED = 'observed'
const WORKERS = 2
/** INDEX of the alert, of a worker and of a parameter server. */
const INDEX = '1'
const SERVERS = { parameterServer: { replicas: 2 } }
const PATIENT = { timeoutMs: 60_000, intervalMs: 100 }
const LOCAL = { timeoutMs: 120_000, intervalMs: 500 }
/** Its pod stays Pending: on a real node it would manage the same jobs as the operator of the test. */
const RELEASE = `helm install downpour charts/downpour --namespace ${NAMESPACE} --set crds.install=false \
  --set 'watchNamespaces={${NAMESPACE}}' --set nodeSelector.nowhere=yes`

/** Commands that no test can run here, by the reason. */
const NOT_RUN: readonly [RegExp, string][] = [
  [/-n \$OPERATOR logs /, 'fake nodes run no operator; end-to-end.test.ts reads the log of one on a real node'],
]
/** Fake nodes run no program that could log. */
const NEEDS_LOGS = /-n \$NAMESPACE logs /
/** On a cluster that has none, these rightly print nothing. */
const MAY_BE_EMPTY = /get validatingwebhookconfigurations/

let cluster: Cluster
let kubectl: Kubectl
let namespace: TestNamespace
let smallJobs: SmallJobs
let localRun: LocalRun

before(async () => {
  cluster = await ensureCluster()
  kubectl = kubectlAt(cluster.kubectl)
  namespace = await openNamespace(NAMESPACE)
  await runShell(cluster, RELEASE)
  namespace.startOperator()
  for (const name of [OBSERVED, ownJob('README'), ...RUNBOOKS.map((page) => ownJob(page.name))])
    await namespace.createJob(name, WORKERS, SERVERS)
  await namespace.createJob('nowhere', 1, { workers: { replicas: 1, template: { nodeSelector: { nowhere: 'yes' } } } })
  await startLocally()
})
after(async () => {
  localRun?.child.kill('SIGKILL')
  await smallJobs?.remove()
  await kubectl(['uncordon', '--selector', 'type=kwok'])
  await runShell(cluster, `helm uninstall downpour --namespace ${NAMESPACE}`)
  await namespace?.remove()
})

/** A run of the same job whose pods are processes, and which has logged something. */
async function startLocally(): Promise<void> {
  smallJobs = await prepareSmallJobs()
  const { file, stateDir } = await smallJobs.next({ maxSteps: 1_000_000 }, OBSERVED)
  localRun = startLocalRun([file], stateDir)
  await localRun.client()
  await eventually(async () => {
    const job = await localRun.job('PretrainJob', OBSERVED)
    assert.ok((job.status?.progress?.step ?? 0) > 0, localRun.output())
  }, LOCAL)
}

const ownJob = (page: string) => page.toLowerCase()
const ref = (name: string) => ({ apiVersion: API_VERSION, plural: PLURALS.PretrainJob, namespace: NAMESPACE, name })
const jobOf = async (name: string) => (await namespace.client.get(ref(name))) as unknown as Job

/** @returns uids by name of the pods of a job */
async function podsOf(name: string): Promise<Map<string, string>> {
  const mine = (await namespace.pods()).filter(({ metadata }) => metadata.name?.startsWith(`${name}-pj-`))
  return new Map(mine.map(({ metadata }) => [metadata.name ?? '', metadata.uid ?? '']))
}

/** Runs one command as the reader of a page does, who has copied the lines of the first page. @returns what is printed */
function run(command: string, job: string, variables = ''): Promise<string> {
  const isLocal = NEEDS_LOGS.test(command)
  const where = { NAMESPACE: isLocal ? 'default' : NAMESPACE, OPERATOR: NAMESPACE, KIND: 'PretrainJob', INDEX }
  const exports = exportsOfReadme({ ...where, JOB: job })
  const target = isLocal ? { ...cluster, kubeconfig: `${localRun.stateDir}/kubeconfig` } : cluster
  return runShell(target, `${exports}\n${variables}\n${command}`)
}

/** kubectl refuses to restart a Deployment twice within a second, as these tests do. */
function change(command: string, job: string, variables: string): Promise<string> {
  const now = () => run(command, job, variables)
  return command.includes('rollout restart') ? eventually(now, PATIENT) : now()
}

const reasonNotToRun = (command: string) => NOT_RUN.find(([pattern]) => pattern.test(command))?.[1] ?? false

/** Running with as many workers as it asks for, or suspended without pods if it asks for that. */
async function isWell(name: string): Promise<Job> {
  return await eventually(async () => {
    const job = await jobOf(name)
    const { spec, status } = job
    assert.equal(status?.phase, spec.suspend ? 'Suspended' : 'Running', name)
    const workers = [...(await podsOf(name)).keys()].filter((pod) => pod.includes('-worker-'))
    assert.equal(workers.length, spec.suspend ? 0 : spec.workers.replicas)
    return job
  }, PATIENT)
}

for (const { name, text } of RUNBOOKS) {
  suite(`Diagnosis of ${name}`, () => {
    for (const { variables, commands } of commandsBelow(text, 'Diagnosis'))
      for (const command of commands)
        test(command, { skip: reasonNotToRun(command) }, async () => {
          const printed = await run(command, OBSERVED, variables)
          if (!MAY_BE_EMPTY.test(command)) assert.notEqual(printed.trim(), '')
        })
  })
}

for (const [name, heading] of [
  ...RUNBOOKS.map((page) => [page.name, 'Mitigation'] as const),
  ['README', 'Suspend and resume'] as const,
]) {
  const blocks = commandsBelow(readPage(name), heading)
  if (blocks.length === 0) continue
  test(`Mitigation of ${name}`, async () => {
    const job = ownJob(name)
    await isWell(job)
    const pods = await podsOf(job)
    for (const { variables, commands } of blocks)
      for (const command of commands) {
        const printed = await change(command, job, variables)
        assert.match(
          printed,
          / (?:patched|deleted|cordoned|scaled|restarted|condition met)|"downpour" has been upgraded/,
        )
      }
    const { metadata } = await isWell(job)
    const changes = blocks.flatMap(({ commands }) => commands).join('\n')
    if (/ patch | scale /.test(changes)) assert.notEqual(metadata.generation, 1)
    if (/ delete pod /.test(changes))
      await eventually(async () => assert.notDeepEqual(await podsOf(job), pods), PATIENT)
  })
}

test('every page has commands, and only those of the list are not run', () => {
  const all = RUNBOOKS.map(({ text }) => commandsBelow(text, 'Diagnosis').flatMap(({ commands }) => commands))
  assert.ok(all.every((commands) => commands.some((command) => !reasonNotToRun(command))))
})

test('after the change of the parameter servers, suspending and resuming applies it', async () => {
  const job = ownJob('DownpourPushSlow')
  for (const { variables, commands } of commandsBelow(readPage('README'), 'Suspend and resume'))
    for (const command of commands) await run(command, job, variables)
  await isWell(job)
  await eventually(async () => {
    const servers = [...(await podsOf(job)).keys()].filter((pod) => pod.includes('-ps-'))
    assert.equal(servers.length, 4)
  }, PATIENT)
})
