/** The chart on a real API server: install, upgrade, rollback and uninstall, and whether it grants exactly the rights that are needed. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { promisify } from 'node:util'
import { load } from 'js-yaml'
import type { Job } from '../../src/api/job.ts'
import { API_VERSION, PLURALS } from '../../src/contract/names.ts'
import { ensureCluster } from '../../tools/cluster/ensure-cluster.ts'
import type { Cluster } from '../../tools/cluster/up.ts'
import { CHART } from '../../tools/helm.ts'
import { MATRIX } from '../chart/matrix.ts'
import { eventually } from '../support/eventually.ts'
import { kubeconfigOf } from './account.ts'
import { applyMonitoringCrds } from './crds.ts'
import { type OperatorProcess, openNamespace, startOperator, type TestNamespace } from './fixture.ts'

const RELEASE = 'downpour'
/** Namespace of the release. */
const NAMESPACE = `chart-${process.pid}`
const PATIENT = { timeoutMs: 60_000, intervalMs: 200 }
const COLUMN = 'Restarts'

let cluster: Cluster
let jobs: TestNamespace
let other: TestNamespace
let folder: string
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'downpour-chart-'))
  cluster = await ensureCluster()
  await applyMonitoringCrds(cluster)
  jobs = await openNamespace(`${NAMESPACE}-jobs`)
  other = await openNamespace(`${NAMESPACE}-other`)
  await kubectl('create', 'namespace', NAMESPACE)
  // The operator's pod must be admitted under the strictest Pod Security level.
  await kubectl('label', 'namespace', NAMESPACE, 'pod-security.kubernetes.io/enforce=restricted')
})
after(async () => {
  await helm('uninstall', RELEASE, '--ignore-not-found')
  await Promise.all([jobs.remove(), other.remove(), kubectl('delete', 'namespace', NAMESPACE, '--wait=false')])
  rmSync(folder, { recursive: true })
})

const run = async (program: string, ...args: string[]) => (await promisify(execFile)(program, args)).stdout
const kubectl = (...args: string[]) => run(cluster.kubectl, `--kubeconfig=${cluster.kubeconfig}`, ...args)
const helm = (...args: string[]) =>
  run(cluster.helm, `--kubeconfig=${cluster.kubeconfig}`, '--namespace', NAMESPACE, ...args)
/**
 * Keeps the release's own pod Pending: on a real node it could run and hold the lease that the test's operator, a process
 * of this checkout, waits for.
 */
const release = (verb: 'install' | 'upgrade', ...args: string[]) =>
  helm(verb, RELEASE, ...args, '--set-json', 'nodeSelector={"downpour.dev/nowhere":"true"}')

/** Copies the chart without one column of its CRD, as an older version of it. */
function olderChart(): string {
  const copy = join(folder, 'older')
  cpSync(CHART, copy, { recursive: true })
  const file = join(copy, 'files/crds/pretrainjobs.yaml')
  const crd = load(readFileSync(file, 'utf8')) as {
    spec: { versions: { additionalPrinterColumns: { name: string }[] }[] }
  }
  for (const version of crd.spec.versions) {
    version.additionalPrinterColumns = version.additionalPrinterColumns.filter(({ name }) => name !== COLUMN)
  }
  writeFileSync(file, JSON.stringify(crd))
  return copy
}

async function hasColumn(): Promise<boolean> {
  const path = 'jsonpath={.spec.versions[0].additionalPrinterColumns[*].name}'
  return (await kubectl('get', 'crd', 'pretrainjobs.downpour.dev', '-o', path)).split(' ').includes(COLUMN)
}

const objectsOf = async (kind: string) =>
  (await kubectl('-n', NAMESPACE, 'get', kind, '-l', `app.kubernetes.io/instance=${RELEASE}`, '-o', 'name'))
    .split('\n')
    .filter(Boolean)

test('upgrade and rollback include the CRDs; uninstall keeps CRDs and jobs, and the release can be installed again', async () => {
  await release('install', olderChart(), '--take-ownership')
  assert.equal(await hasColumn(), false)
  await jobs.createJob('stays', 1, { suspend: true })
  await release('upgrade', CHART, '--set', 'replicas=2')
  assert.equal(await hasColumn(), true)
  assert.equal((await objectsOf('poddisruptionbudget')).length, 1)
  await helm('rollback', RELEASE, '1')
  assert.equal(await hasColumn(), false)
  assert.deepEqual(await objectsOf('poddisruptionbudget'), [])
  await release('upgrade', CHART)
  await helm('uninstall', RELEASE)
  assert.deepEqual(await objectsOf('deployment'), [])
  assert.equal(await hasColumn(), true)
  assert.match(await kubectl('-n', jobs.name, 'get', 'pretrainjobs', '-o', 'name'), /stays/)
  await release('install', CHART)
  assert.equal((await objectsOf('deployment')).length, 1)
})

suite('the API server accepts every rendered field', () => {
  for (const [description, values] of Object.entries(MATRIX)) {
    test(`with ${description}`, async () => {
      const namespaces = values.watchNamespaces ? { watchNamespaces: [jobs.name, other.name] } : {}
      const file = join(folder, 'values.json')
      writeFileSync(file, JSON.stringify({ ...values, ...namespaces }))
      const manifests = join(folder, 'manifests.yaml')
      writeFileSync(manifests, await helm('template', 'fresh', CHART, '--kube-version', '1.34.0', '--values', file))
      await kubectl(
        'apply',
        '--server-side',
        '--force-conflicts',
        '--dry-run=server',
        '--validate=strict',
        '-f',
        manifests,
      )
    })
  }
})

/** Starts the operator of this checkout as the chart's ServiceAccount. */
async function startAsServiceAccount(flags: readonly string[]): Promise<OperatorProcess> {
  const kubeconfig = await kubeconfigOf(cluster, NAMESPACE, RELEASE, folder)
  const lease = ['--lease-namespace', NAMESPACE, '--lease-name', RELEASE]
  return startOperator(['--kubeconfig', kubeconfig, '--log-level', 'debug', ...lease, ...flags])
}

/** Creates a job, waits for its pods, suspends it, and waits for its events. */
async function runAndSuspend(name: string): Promise<void> {
  await jobs.createJob(name, 2)
  await eventually(async () => assert.equal((await jobs.pods()).length, 3), PATIENT)
  const ref = { apiVersion: API_VERSION, plural: PLURALS.PretrainJob, namespace: jobs.name, name }
  await jobs.client.mergePatch(ref, { spec: { suspend: true } })
  await eventually(async () => {
    const job = (await jobs.client.get(ref)) as unknown as Job
    assert.deepEqual([job.status?.phase, await jobs.pods()], ['Suspended', []])
  }, PATIENT)
  await eventually(async () => {
    assert.match(
      await kubectl('-n', jobs.name, 'get', 'events', '-o', 'name', `--field-selector=involvedObject.name=${name}`),
      /event/,
    )
  }, PATIENT)
}

suite('the rights of the release suffice', () => {
  const modes: [string, () => string[]][] = [
    ['for all namespaces', () => []],
    ['for one namespace, without cluster-wide rights', () => [jobs.name]],
  ]
  for (const [scope, namespaces] of modes) {
    test(scope, async () => {
      const watched = namespaces()
      await release('upgrade', '--install', CHART, '--set-json', `watchNamespaces=${JSON.stringify(watched)}`)
      const operator = await startAsServiceAccount(watched.map((name) => `--namespace=${name}`))
      try {
        await runAndSuspend(`job-${watched.length}`)
      } finally {
        await operator.kill('SIGTERM')
      }
      assert.deepEqual([operator.child.exitCode, operator.child.signalCode], [0, null])
      // Namespaces of other tests may be terminating, where creates are forbidden for a reason other than rights.
      const refusals = operator
        .output()
        .split('\n')
        .filter((line) => /forbidden/i.test(line))
      assert.deepEqual(
        refusals.filter((line) => !line.includes('is being terminated')),
        [],
      )
    })
  }

  test('only in that namespace', async () => {
    const account = `system:serviceaccount:${NAMESPACE}:${RELEASE}`
    const canI = async (...question: string[]) => {
      const answer = run(
        cluster.kubectl,
        `--kubeconfig=${cluster.kubeconfig}`,
        'auth',
        'can-i',
        `--as=${account}`,
        ...question,
      )
      // kubectl auth can-i exits with 1 when it prints no.
      return (await answer.catch((error: { stdout: string }) => error.stdout)).trim()
    }
    assert.equal(await canI('create', 'pods', '-n', jobs.name), 'yes')
    assert.equal(await canI('create', 'pods', '-n', other.name), 'no')
    assert.equal(await canI('list', 'pretrainjobs.downpour.dev', '--all-namespaces'), 'no')
    assert.equal(await canI('create', 'pods', '--subresource=exec', '-n', jobs.name), 'no')
    for (const what of ['secrets', 'leases.coordination.k8s.io']) {
      assert.equal(await canI('get', what, '-n', jobs.name), 'no', what)
    }
  })
})

test('the aggregated roles: view reads, edit creates and scales, admin writes the status', async () => {
  await release('upgrade', '--install', CHART, '--set', 'watchNamespaces=null')
  for (const role of ['view', 'edit', 'admin']) {
    await kubectl('-n', jobs.name, 'create', 'rolebinding', role, `--clusterrole=${role}`, `--user=${role}`)
  }
  const questions = [
    'list pretrainjobs',
    'create finetunejobs',
    'patch pretrainjobs --subresource=scale',
    'update pretrainjobs --subresource=status',
  ]
  const answers = (role: string) =>
    Promise.all(
      questions.map(async (question) => {
        const answer = kubectl('-n', jobs.name, 'auth', 'can-i', `--as=${role}`, ...question.split(' '))
        return (await answer.catch((error: { stdout: string }) => error.stdout)).trim()
      }),
    )
  // A controller aggregates the rules with a delay.
  await eventually(async () => {
    assert.deepEqual(await answers('view'), ['yes', 'no', 'no', 'no'])
    assert.deepEqual(await answers('edit'), ['yes', 'yes', 'yes', 'no'])
    assert.deepEqual(await answers('admin'), ['yes', 'yes', 'yes', 'yes'])
  }, PATIENT)
})
