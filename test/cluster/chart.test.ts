/** The chart on a real API server: what Helm does to it, and whether the rights that it gives are enough and no more. */
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
import { type OperatorProcess, openNamespace, startOperator, type TestNamespace } from './fixture.ts'

const RELEASE = 'downpour'
const PLACE = `chart-${process.pid}`
const PATIENT = { timeoutMs: 60_000, intervalMs: 200 }
const COLUMN = 'Restarts'

let cluster: Cluster
let jobs: TestNamespace
let other: TestNamespace
let folder: string
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'downpour-chart-'))
  cluster = await ensureCluster()
  jobs = await openNamespace(`${PLACE}-jobs`)
  other = await openNamespace(`${PLACE}-other`)
  await kubectl('create', 'namespace', PLACE)
  // The operator's pod must pass it as it is.
  await kubectl('label', 'namespace', PLACE, 'pod-security.kubernetes.io/enforce=restricted')
})
after(async () => {
  await helm('uninstall', RELEASE, '--ignore-not-found')
  await Promise.all([jobs.remove(), other.remove(), kubectl('delete', 'namespace', PLACE, '--wait=false')])
  rmSync(folder, { recursive: true })
})

const run = async (program: string, ...args: string[]) => (await promisify(execFile)(program, args)).stdout
const kubectl = (...args: string[]) => run(cluster.kubectl, `--kubeconfig=${cluster.kubeconfig}`, ...args)
const helm = (...args: string[]) =>
  run(cluster.helm, `--kubeconfig=${cluster.kubeconfig}`, '--namespace', PLACE, ...args)
/** Its own pod has no place: on a real node it might run, and hold the lease that the operator of this checkout waits for. */
const release = (verb: 'install' | 'upgrade', ...args: string[]) =>
  helm(verb, RELEASE, ...args, '--set-json', 'nodeSelector={"downpour.dev/nowhere":"true"}')

/** The chart as it was before its CRD got a column. */
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
  (await kubectl('-n', PLACE, 'get', kind, '-l', `app.kubernetes.io/instance=${RELEASE}`, '-o', 'name'))
    .split('\n')
    .filter(Boolean)

test('upgrade and rollback take the CRDs along; what is uninstalled leaves CRDs and jobs behind, and comes back', async () => {
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

suite('the API server takes every field of what is rendered', () => {
  for (const [words, values] of Object.entries(MATRIX)) {
    test(`with ${words}`, async () => {
      const places = values.watchNamespaces ? { watchNamespaces: [jobs.name, other.name] } : {}
      // The kinds of the Prometheus operator are not there.
      const metrics = { serviceMonitor: { enabled: false }, podMonitor: { enabled: false } }
      const file = join(folder, 'values.json')
      const ofMetrics = values.metrics as object | undefined
      writeFileSync(file, JSON.stringify({ ...values, ...places, metrics: { ...ofMetrics, ...metrics } }))
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

/** The operator of this checkout as the chart's ServiceAccount. */
async function asServiceAccount(flags: readonly string[]): Promise<OperatorProcess> {
  const kubeconfig = await kubeconfigOf(cluster, PLACE, RELEASE, folder)
  const lease = ['--lease-namespace', PLACE, '--lease-name', RELEASE]
  return startOperator(['--kubeconfig', kubeconfig, '--log-level', 'debug', ...lease, ...flags])
}

/** Made, run, suspended, deleted when its time is over. */
async function live(name: string): Promise<void> {
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

suite('the rights of the release are enough', () => {
  const modes: [string, () => string[]][] = [
    ['everywhere', () => []],
    ['in one namespace, with nothing cluster-wide', () => [jobs.name]],
  ]
  for (const [where, namespaces] of modes) {
    test(where, async () => {
      const watched = namespaces()
      await release('upgrade', '--install', CHART, '--set-json', `watchNamespaces=${JSON.stringify(watched)}`)
      const operator = await asServiceAccount(watched.map((name) => `--namespace=${name}`))
      try {
        await live(`job-${watched.length}`)
      } finally {
        await operator.kill('SIGTERM')
      }
      assert.deepEqual([operator.child.exitCode, operator.child.signalCode], [0, null])
      // A namespace of another test may still be going: that nothing is made in it has nothing to do with rights.
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

  test('and no more: in another namespace nothing is allowed', async () => {
    const account = `system:serviceaccount:${PLACE}:${RELEASE}`
    const may = async (...question: string[]) => {
      const asked = run(
        cluster.kubectl,
        `--kubeconfig=${cluster.kubeconfig}`,
        'auth',
        'can-i',
        `--as=${account}`,
        ...question,
      )
      return (await asked.catch((error: { stdout: string }) => error.stdout)).trim()
    }
    assert.equal(await may('create', 'pods', '-n', jobs.name), 'yes')
    assert.equal(await may('create', 'pods', '-n', other.name), 'no')
    assert.equal(await may('list', 'pretrainjobs.downpour.dev', '--all-namespaces'), 'no')
    assert.equal(await may('create', 'pods', '--subresource=exec', '-n', jobs.name), 'no')
    for (const what of ['secrets', 'leases.coordination.k8s.io']) {
      assert.equal(await may('get', what, '-n', jobs.name), 'no', what)
    }
  })
})

test("people's own roles: view reads, edit makes and scales, admin mends a status", async () => {
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
        const asked = kubectl('-n', jobs.name, 'auth', 'can-i', `--as=${role}`, ...question.split(' '))
        return (await asked.catch((error: { stdout: string }) => error.stdout)).trim()
      }),
    )
  // A controller sums the roles up.
  await eventually(async () => {
    assert.deepEqual(await answers('view'), ['yes', 'no', 'no', 'no'])
    assert.deepEqual(await answers('edit'), ['yes', 'yes', 'yes', 'no'])
    assert.deepEqual(await answers('admin'), ['yes', 'yes', 'yes', 'yes'])
  }, PATIENT)
})
