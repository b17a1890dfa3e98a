/** A real kubectl without special flags works against local mode. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { job } from '../../../conformance/api.ts'
import { startTestCluster, type TestCluster } from '../../../support/local-cluster.ts'

const missing = spawnSync('kubectl', ['version', '--client']).error && 'kubectl is not installed'
const POD = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'talker' },
  spec: {
    terminationGracePeriodSeconds: 1,
    containers: [{ name: 'main', image: 'none', args: ['print', 'one', 'two'] }],
  },
}

interface Outcome {
  status: number
  stdout: string
  stderr: string
}

describe('kubectl', { skip: missing ?? false }, () => {
  let cluster: TestCluster
  before(async () => {
    cluster = await startTestCluster({ command: [process.execPath, resolve('test/integration/local/pod-script.mjs')] })
  })
  after(() => cluster.dispose())

  const environment = () => ({ PATH: process.env.PATH, HOME: cluster.stateDir, KUBECONFIG: cluster.kubeconfigPath })
  /** Runs kubectl asynchronously, because the API server is in this process. */
  async function kubectl(args: string, input?: unknown, onOutput = () => {}): Promise<Outcome> {
    const child = spawn('kubectl', args.split(' '), { env: environment(), stdio: 'pipe' })
    let [stdout, stderr] = ['', '']
    child.stdout.on('data', (chunk) => {
      stdout += chunk
      onOutput()
    })
    child.stderr.on('data', (chunk) => (stderr += chunk))
    child.stdin.end(input === undefined ? '' : JSON.stringify(input))
    const [status] = (await once(child, 'close')) as [number]
    return { status, stdout, stderr }
  }
  async function shows(args: string, pattern: RegExp, input?: unknown): Promise<void> {
    const { status, stdout, stderr } = await kubectl(args, input)
    assert.deepEqual([status, stderr], [0, ''])
    assert.match(stdout, pattern)
  }
  async function refuses(args: string, pattern: RegExp, input?: unknown): Promise<void> {
    const { status, stderr } = await kubectl(args, input)
    assert.notEqual(status, 0)
    assert.match(stderr, pattern)
  }

  test('apply creates, keeps and changes a job, and is refused for an unknown field and an invalid value', async () => {
    await shows('apply -f -', /pretrainjob.downpour.dev\/jft created/, job('jft'))
    await shows('apply -f -', /unchanged/, job('jft'))
    await shows('apply -f -', /configured/, job('jft', { maxSteps: 200 }))
    await refuses('apply -f -', /unknown field "spec.maxStepz"/, job('jft', { maxStepz: 1 }))
    await refuses('create -f -', /spec.workers.replicas: Invalid value: 0/, job('none', { workers: { replicas: 0 } }))
    await shows('get pj', /^NAME +PHASE +STEP .*AGE\njft /)
    await shows('get downpour -o yaml', /maxSteps: 200/)
    await shows('get pj jft -o jsonpath={.metadata.generation}', /^2$/)
  })

  test('scale, patch, label, wait, explain and server-side apply work', async () => {
    await shows('scale pj jft --replicas=3', /scaled/)
    await refuses('scale pj jft --replicas=0', /spec.workers.replicas: Invalid value: 0/)
    await shows('patch pj jft --type=merge -p {"spec":{"maxSteps":300}}', /patched/)
    await shows('label pj jft team=x', /labeled/)
    await shows('wait pj/jft --for=jsonpath={.spec.workers.replicas}=3 --timeout=5s', /condition met/)
    await shows('explain pj.spec.workers.replicas', /FIELD: replicas <integer>/)
    await shows('apply --server-side --force-conflicts -f -', /serverside-applied/, job('jft'))
  })

  test('describe shows the events of a pod, and logs prints its log', async () => {
    await shows('apply -f -', /pod\/talker created/, POD)
    await shows('wait pod/talker --for=condition=Ready --timeout=10s', /condition met/)
    await shows('get all', /talker +1\/1 +Running/)
    await shows('describe pod talker', /Events:[\s\S]*Scheduled[\s\S]*Started process/)
    await shows('get events', /Started +pod\/talker/)
    await shows('logs talker --tail=1', /^two\n$/)
    const talking = Promise.withResolvers<void>()
    const following = kubectl('logs -f talker', undefined, talking.resolve)
    await talking.promise
    await shows('delete pod talker', /deleted/)
    assert.match((await following).stdout, /one\ntwo/)
  })

  test('delete waits until the job is removed', async () => {
    await shows('delete pj jft', /deleted/)
    await refuses('get pj jft', /NotFound/)
  })
})
