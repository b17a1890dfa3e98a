import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { globSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { ENV } from '../../../src/contract/runtime.ts'
import type { KubeObject } from '../../../src/kube/objects.ts'
import { killLeftovers, runProcesses } from '../../../src/local/leftovers.ts'
import { systemClock } from '../../../src/support/clock.ts'
import { consistently, eventually } from '../../support/eventually.ts'
import { startTestCluster } from '../../support/local-cluster.ts'

const SCRIPT = resolve('test/integration/local/pod-script.mjs')
const PODS = { apiVersion: 'v1', plural: 'pods', namespace: 'default' }
const COMMAND = [process.execPath, SCRIPT]
const FIRST_LIFE = `
  import { startTestCluster } from ${JSON.stringify(resolve('test/support/local-cluster.ts'))}
  const { client } = await startTestCluster({ command: ${JSON.stringify(COMMAND)} }, process.argv[1])
  const containers = (args) => [{ name: 'main', image: 'none', args }]
  for (const args of [['obey'], ['defy']])
    await client.create(${JSON.stringify(PODS)}, { apiVersion: 'v1', kind: 'Pod', metadata: { name: args[0] }, spec: { containers: containers(args) } })
  console.log('made')`

interface Terminated {
  exitCode: number
  reason: string
  message: string
}
type Pod = KubeObject & { status: { phase: string; reason?: string } }

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'downpour-restart-'))
})
afterEach(async () => {
  await killLeftovers(folder, systemClock)
  rmSync(folder, { recursive: true, force: true })
})
const alive = () => runProcesses(folder)

function logOf(pod: string): string {
  const [file] = globSync(join(folder, 'logs', `default_${pod}_*.log`))
  return file ? readFileSync(file, 'utf8') : ''
}

/** Starts a cluster with two running pods in a process of its own, so that it can be killed. */
async function firstLife(): Promise<ChildProcess> {
  const arguments_ = ['--input-type=module-typescript', '-e', FIRST_LIFE, folder]
  const child = spawn(process.execPath, arguments_, { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  await eventually(() => assert.deepEqual([alive().length, /ready/.test(logOf('defy'))], [2, true]), {
    timeoutMs: 10_000,
  })
  return child
}

async function kill(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL')
  await once(child, 'exit')
}

test('pods end when their kubelet is killed; those that handle SIGTERM end at once', async () => {
  await kill(await firstLife())
  await eventually(() => assert.ok(alive().length <= 1), { timeoutMs: 5_000 })
})

test('the next start kills remaining processes before it serves, and marks their pods as lost', async () => {
  await kill(await firstLife())
  const cluster = await startTestCluster({ command: COMMAND }, folder)
  try {
    assert.deepEqual(alive(), [])
    const { items } = await cluster.client.list<Pod>(PODS)
    assert.deepEqual(
      items.map(({ status }) => [status.phase, status.reason]),
      [
        ['Failed', 'NodeLost'],
        ['Failed', 'NodeLost'],
      ],
    )
  } finally {
    await cluster.dispose()
  }
})

test('closing the cluster is a shutdown of the node: pods end as disrupted, and none remains', async () => {
  const cluster = await startTestCluster({ command: COMMAND }, folder)
  await cluster.client.create(PODS, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'obey' },
    spec: { containers: [{ name: 'main', image: 'none', args: ['obey'] }] },
  } as KubeObject)
  await eventually(() => assert.equal(alive().length, 1))
  const next = await cluster.restart()
  try {
    assert.deepEqual(alive(), [])
    const { status } = await next.client.get<Pod>({ ...PODS, name: 'obey' })
    assert.deepEqual([status.phase, status.reason], ['Failed', 'Terminated'])
  } finally {
    await next.dispose()
  }
})

test('the status of a pod whose command cannot be started has the error of the system', async () => {
  const cluster = await startTestCluster({ command: [join(folder, 'nothing')] }, folder)
  try {
    await cluster.client.create(PODS, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'unable' },
      spec: { containers: [{ name: 'main', image: 'none' }] },
    } as KubeObject)
    await eventually(async () => {
      const { status } = await cluster.client.get<
        KubeObject & { status: { phase: string; containerStatuses: { state: { terminated: Terminated } }[] } }
      >({ ...PODS, name: 'unable' })
      assert.equal(status.phase, 'Failed')
      const { exitCode, reason, message } = { ...status.containerStatuses[0]?.state.terminated }
      assert.deepEqual([exitCode, reason, String(message).includes('ENOENT')], [128, 'StartError', true])
    })
  } finally {
    await cluster.dispose()
  }
})

test('a pod that was created before the kubelet starts is started once', async () => {
  const waiting = await startTestCluster({ command: COMMAND, runPods: false }, folder)
  await waiting.client.create(PODS, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'defy' },
    spec: { containers: [{ name: 'main', image: 'none', args: ['defy'] }] },
  } as KubeObject)
  await waiting.close()
  const cluster = await startTestCluster({ command: COMMAND }, folder)
  try {
    await eventually(() => assert.match(logOf('defy'), /ready/), { timeoutMs: 10_000 })
    await consistently(() => assert.deepEqual([alive().length, logOf('defy').match(/ready/g)?.length], [1, 1]), {
      timeoutMs: 1_000,
    })
  } finally {
    await cluster.client.delete({ ...PODS, name: 'defy' }, { gracePeriodSeconds: 0 })
    await cluster.dispose()
  }
})

test('a start kills all processes that a killed run left in this folder, operators too, and none of other folders', async () => {
  const orphan = (stateDir: string) => {
    const env = { PATH: process.env.PATH, [ENV.stateDir]: stateDir }
    return spawn('sleep', ['1000'], { detached: true, stdio: 'ignore', env })
  }
  const [ofRun, ofOtherRun] = [orphan(folder), orphan(`${folder}-other`)]
  const gone = once(ofRun, 'exit')
  const alias = `${folder}-alias`
  symlinkSync(folder, alias)
  const cluster = await startTestCluster({}, alias)
  try {
    assert.deepEqual(await gone, [null, 'SIGKILL'])
    assert.equal(ofOtherRun.exitCode ?? ofOtherRun.signalCode, null)
  } finally {
    ofOtherRun.kill('SIGKILL')
    await cluster.close()
    rmSync(alias)
  }
})
