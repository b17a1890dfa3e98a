/** The bundled programs of the operator and runtime images train a job in a folder without the project's node_modules. */
import assert from 'node:assert/strict'
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import type { Job } from '../../src/api/job.ts'
import { ANNOTATIONS, API_VERSION } from '../../src/contract/names.ts'
import type { KubeObject } from '../../src/kube/objects.ts'
import { bundleOperator, bundleRuntime } from '../../tools/images/bundle.ts'
import { copyModules, isNeeded } from '../../tools/images/runtime-modules.ts'
import { eventually } from '../support/eventually.ts'
import { startTestCluster, type TestCluster } from '../support/local-cluster.ts'

const node = promisify(execFile)
let root: string
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'downpour-bundle-'))
  await bundleOperator(join(root, 'dist'))
  await bundleRuntime(join(root, 'dist'))
  await copyModules(root)
  await copyFile('package.json', join(root, 'package.json'))
})
after(() => rm(root, { recursive: true }))

const operatorFile = () => join(root, 'dist/operator/operator.mjs')
const runtimeFile = () => join(root, 'dist/runtime/downpour.mjs')

test('the operator prints its options', async () => {
  const { stdout } = await node(process.execPath, [operatorFile(), 'operator', '--help'])
  assert.match(stdout, /--lease-namespace/)
})

test('a runtime process without its configuration exits with code 10', async () => {
  for (const verb of ['ps', 'worker', 'evaluator']) {
    const end = node(process.execPath, [runtimeFile(), verb], {
      // An address of its own, because pods of another run on this machine may use the same port.
      env: { DOWNPOUR_TERMINATION_LOG: join(root, 'termination-log'), DOWNPOUR_POD_IP: '127.0.0.2' },
    })
    await assert.rejects(end, (error) => (error as { code?: unknown }).code === 10, verb)
  }
})

test('a job on generated data trains, saves its checkpoint and is scored', { timeout: 120_000 }, async () => {
  const data = join(root, 'data')
  const sizes = ['--images', '128', '--evaluation-images', '32']
  const downstream = ['--downstream-train-per-class', '1', '--downstream-val-per-class', '1']
  await node(process.execPath, [runtimeFile(), 'data', 'make', 'jft-mini', '--out', data, ...sizes, ...downstream])
  const cluster = await startTestCluster({ command: [process.execPath, runtimeFile()] })
  const operator = startOperator(cluster)
  try {
    await apply(cluster, data)
    const job = await succeeded(cluster)
    assert.deepEqual([job.status?.progress?.step, job.status?.checkpoint?.final], [20, true])
    assert.ok(job.status?.headline, 'it was scored')
  } finally {
    operator.kill('SIGTERM')
    const [code] = await once(operator, 'exit')
    await cluster.dispose()
    assert.equal(code, 0, 'the operator shuts down cleanly')
  }
})

function startOperator({ kubeconfigPath }: TestCluster): ChildProcess {
  const flags = [
    '--kubeconfig',
    kubeconfigPath,
    '--lease-namespace',
    'default',
    '--http-port',
    '0',
    '--poll-seconds',
    '0.5',
  ]
  return spawn(process.execPath, [operatorFile(), 'operator', ...flags], { stdio: 'ignore' })
}

async function succeeded({ client }: TestCluster): Promise<Job> {
  const ref = { apiVersion: API_VERSION, plural: 'pretrainjobs', namespace: 'default', name: 'tiny' }
  const read = async () => (await client.get(ref)) as unknown as Job
  await eventually(
    async () => {
      const { status } = await read()
      assert.equal(status?.phase, 'Succeeded', JSON.stringify(status?.conditions))
    },
    { timeoutMs: 90_000, intervalMs: 200 },
  )
  return read()
}

async function apply({ client }: TestCluster, data: string): Promise<void> {
  const claim = (name: string, annotations = {}) => ({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name, namespace: 'default', annotations },
    spec: { accessModes: ['ReadWriteMany'], resources: { requests: { storage: '1Gi' } } },
  })
  const claims = { apiVersion: 'v1', plural: 'persistentvolumeclaims', namespace: 'default' }
  await client.create(claims, claim('data', { [ANNOTATIONS.localPath]: data }))
  await client.create(claims, claim('checkpoints'))
  const job = {
    apiVersion: API_VERSION,
    kind: 'PretrainJob',
    metadata: { name: 'tiny', namespace: 'default' },
    spec: SPEC,
  }
  await client.create({ apiVersion: API_VERSION, plural: 'pretrainjobs', namespace: 'default' }, job as KubeObject)
}

const dataAt = (path: string) => ({ source: { claimName: 'data', path }, format: 'tfrecord', labels: 'labels.json' })
const SPEC = {
  preset: 'jft-mini',
  input: { resizePixels: 18, cropPixels: 16 },
  batchSize: 4,
  maxSteps: 20,
  workers: { replicas: 1 },
  runtime: { backend: 'wasm' },
  data: dataAt('pretrain'),
  evaluation: { data: dataAt('evaluation'), metric: 'mAP@100' },
  checkpoint: { everySteps: 20, storage: { volume: { claimName: 'checkpoints' } } },
}

test('files that only browsers, compilers and people read are not copied from node_modules', () => {
  const needed = [
    '@tensorflow/tfjs-core/dist/tf-core.node.js',
    '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm',
  ]
  const unneeded = [
    '@tensorflow/tfjs-core/dist/tf-core.min.js',
    'sharp/lib/index.d.ts',
    'ms/readme.md',
    'qs/test/parse.js',
  ]
  assert.deepEqual(
    needed.filter((path) => !isNeeded(`node_modules/${path}`)),
    [],
  )
  assert.deepEqual(
    unneeded.filter((path) => isNeeded(`node_modules/${path}`)),
    [],
  )
})
