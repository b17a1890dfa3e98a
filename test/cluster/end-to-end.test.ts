/** Helm install, data, a PretrainJob, its FinetuneJob, results and uninstall, in containers with the images of this checkout. */
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import type { Job } from '../../src/api/job.ts'
import { exec } from '../../tools/cluster/exec.ts'
import { type Kubectl, kubectlAt } from '../../tools/cluster/kubectl.ts'
import { say, step } from '../../tools/cluster/say.ts'
import type { Cluster } from '../../tools/cluster/up.ts'
import { CHART } from '../../tools/helm.ts'
import { eventually } from '../support/eventually.ts'
import { clusterWithImages, FINETUNE, POSE, POSE_DATA, smallData, smallJobs } from './containers.ts'

const RELEASE = 'e2e'
/** Namespace of the operator. */
const NAMESPACE = `e2e-${process.pid}`
const JOBS = `${NAMESPACE}-jobs`
const PRETRAIN = 'jft-mini'
const CRDS = ['pretrainjobs.downpour.dev', 'finetunejobs.downpour.dev']
/** Time to build everything from nothing. */
const BUILDS_MS = 15 * 60_000
const ENDS = { timeoutMs: 240_000, intervalMs: 2_000 }
const SOON = { timeoutMs: 60_000, intervalMs: 500 }
const skip = process.getuid?.() === 0 ? false : 'only root may run containers'

suite('end to end in containers', { skip }, () => {
  let cluster: Cluster
  let kubectl: Kubectl
  const helm = (...args: string[]) =>
    exec(cluster.helm, [`--kubeconfig=${cluster.kubeconfig}`, '--namespace', NAMESPACE, ...args])
  const inJobs = (...args: string[]) => kubectl(['-n', JOBS, ...args])
  const jobOf = async (kind: string, name: string) => JSON.parse(await inJobs('get', kind, name, '-o', 'json')) as Job

  before(
    async () => {
      cluster = await clusterWithImages()
      kubectl = kubectlAt(cluster.kubectl)
      for (const namespace of [NAMESPACE, JOBS]) {
        await kubectl(['create', 'namespace', namespace])
        await kubectl(['label', 'namespace', namespace, 'pod-security.kubernetes.io/enforce=restricted'])
      }
    },
    { timeout: BUILDS_MS },
  )
  after(async () => {
    await helm('uninstall', RELEASE, '--ignore-not-found')
    // Waits, so that the claims are gone and their volumes are free for the next test.
    await kubectl(['delete', 'namespace', NAMESPACE, JOBS, '--ignore-not-found'])
  })

  /** Waits until the job has ended, and prints its row in `kubectl get` whenever anything but its age changes. */
  async function ended(kind: string, name: string): Promise<Job> {
    let printed = ''
    await eventually(async () => {
      const row = (await inJobs('get', kind, name, '--no-headers')).trim().replace(/ {2,}/g, '  ')
      const withoutAge = row.replace(/\S+$/, '')
      if (withoutAge !== printed) say(row)
      printed = withoutAge
      assert.match(row, /Succeeded|Failed/)
    }, ENDS)
    const job = await jobOf(kind, name)
    assert.equal(job.status?.phase, 'Succeeded', JSON.stringify(job.status?.conditions))
    return job
  }

  test('Helm installs the operator, which becomes ready', async () => {
    // Watches only the test's jobs, because other operators of the cluster watch theirs.
    const values = [
      '--set-json',
      'nodeSelector={"downpour.dev/real-node":"true"}',
      '--set',
      `watchNamespaces={${JOBS}}`,
    ]
    await step('installing the chart', () =>
      helm('install', RELEASE, CHART, '--take-ownership', ...values, '--wait', '--timeout', '2m'),
    )
    assert.match(await kubectl(['-n', NAMESPACE, 'logs', `deployment/${RELEASE}-downpour`]), /operator started/)
  })

  test('a pod of the runtime image generates the data in a claim', async () => {
    await kubectl(['apply', '-n', JOBS, '-f', '-'], smallData())
    for (const name of [PRETRAIN, POSE_DATA]) {
      await step(`making ${name}`, () => inJobs('wait', `job/${name}`, '--for=condition=complete', '--timeout=120s'))
      assert.match(await inJobs('logs', `job/${name}`), new RegExp(`made ${name} .* in /data`))
    }
  })

  test('a PretrainJob trains in pods that find each other by DNS, saves to the volume and is scored', async () => {
    await kubectl(['apply', '-n', JOBS, '-f', '-'], smallJobs())
    const { status } = await ended('pretrainjob', PRETRAIN)
    assert.equal(status?.progress?.workersContributed, 2)
    assert.ok((status?.results?.metrics['mAP@100'] ?? 0) > 0, JSON.stringify(status?.results))
    assert.equal(status?.restarts.total, 0)
    const nodes = await inJobs('get', 'pods', '-o', 'jsonpath={.items[*].spec.nodeName}')
    assert.deepEqual(new Set(nodes.split(' ')), new Set(['real']))
  })

  test('a FinetuneJob pins its last checkpoint and is scored too', async () => {
    const { status } = await ended('finetunejob', FINETUNE)
    assert.equal(status?.source?.digest, (await jobOf('pretrainjob', PRETRAIN)).status?.checkpoint?.digest)
    const top1 = status?.results?.metrics.top1 ?? 0
    assert.ok(top1 > 0.1, `top1 ${top1}, and chance is 0.05`)
  })

  test('a FinetuneJob of the pose task loads the same backbone and draws its head', async () => {
    const { status } = await ended('finetunejob', POSE)
    const { init, lineage, results } = status ?? {}
    const source = (await jobOf('pretrainjob', PRETRAIN)).status?.checkpoint
    assert.deepEqual(lineage, [{ kind: 'PretrainJob', name: PRETRAIN, step: source?.step, digest: source?.digest }])
    const classification = (await jobOf('finetunejob', FINETUNE)).status?.init
    assert.ok((init?.loaded.variables ?? 0) > 0 && (init?.new.variables ?? 0) > 0, JSON.stringify(init))
    assert.deepEqual([init?.loaded, init?.skipped], [classification?.loaded, classification?.skipped])
    const oks = results?.metrics.meanOKS ?? Number.NaN
    assert.ok(oks > 0 && oks <= 1, JSON.stringify(results))
    const described = await inJobs('describe', 'finetunejob', POSE)
    assert.match(described, /Init:\n +Loaded:[\s\S]*Lineage:\n +Digest: [\s\S]*Name: +jft-mini/)
  })

  test('logs and kubectl describe show what happened', async () => {
    const [server, worker] = await Promise.all(
      ['ps-0', 'worker-1'].map((role) => inJobs('logs', `${PRETRAIN}-pj-${role}`)),
    )
    assert.match(server ?? '', /worker joined[\s\S]*checkpoint committed[\s\S]*worker left/)
    assert.match(worker ?? '', /backend chosen[\s\S]*the job has done all steps/)
    const finetuneServer = await inJobs('logs', `${FINETUNE}-fj-ps-0`)
    assert.match(finetuneServer, /step-000000160".*weights initialised from another checkpoint/)
    const operator = await kubectl(['-n', NAMESPACE, 'logs', `deployment/${RELEASE}-downpour`])
    assert.match(operator, /"job":"FinetuneJob\/.*"reason":"Succeeded".*top1 .*job changed/)
    const described = await inJobs('describe', 'pretrainjob', PRETRAIN)
    assert.match(described, /Normal +Training .*ps 1\/1/)
    assert.match(described, /Normal +Succeeded .*mAP@100/)
  })

  test('uninstall leaves only the CRDs, the jobs and their volumes', async () => {
    await step('uninstalling', () => helm('uninstall', RELEASE, '--wait'))
    const names = async (...args: string[]) =>
      (await kubectl([...args, '-o', 'name'])).split('\n').filter(Boolean).sort()
    const kinds = await names('api-resources', '--verbs=list')
    const left = (which: readonly string[], ...where: string[]) =>
      names('get', which.join(','), ...where, '--ignore-not-found')
    const crds = CRDS.map((name) => `customresourcedefinition.apiextensions.k8s.io/${name}`)
    const ofRelease = ['-A', '-l', `app.kubernetes.io/instance=${RELEASE}`]
    await eventually(async () => assert.deepEqual(await left(kinds, ...ofRelease), crds.sort()), SOON)
    const namespaced = await names('api-resources', '--verbs=list', '--namespaced')
    const withoutEvents = namespaced.filter((kind) => !kind.startsWith('events'))
    const ofEveryNamespace = ['configmap/kube-root-ca.crt', 'serviceaccount/default']
    await eventually(async () => assert.deepEqual(await left(withoutEvents, '-n', NAMESPACE), ofEveryNamespace), SOON)
    assert.equal((await left(['pretrainjobs', 'finetunejobs', 'pvc'], '-n', JOBS)).length, 7)
  })

  test('deleting the CRDs deletes every job and its pods', async (t) => {
    const elsewhere = `--field-selector=metadata.namespace!=${JOBS}`
    const others = await kubectl(['get', 'pretrainjobs,finetunejobs', '-A', '-o', 'name', elsewhere])
    if (others) return t.skip('the cluster has jobs in other namespaces')
    await kubectl(['delete', 'crd', ...CRDS])
    await eventually(async () => {
      assert.equal(await inJobs('get', 'pods,services', '-l', 'downpour.dev/job-name', '-o', 'name'), '')
    }, SOON)
    assert.match(await inJobs('get', 'pvc', '-o', 'name'), /checkpoints/)
  })
})
