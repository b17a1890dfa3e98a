/** While the disk of the state folder is full, clients' writes are refused with a reason and the kubelet's writes wait. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { KubeClient } from '../../../src/kube/client.ts'
import type { KubeObject } from '../../../src/kube/objects.ts'
import { NO_RETRY } from '../../../src/kube/retry.ts'
import { runProcesses } from '../../../src/local/leftovers.ts'
import { silentLog } from '../../../src/support/log.ts'
import { eventually } from '../../support/eventually.ts'
import { startTestCluster, type TestCluster } from '../../support/local-cluster.ts'
import { CANNOT_MOUNT, mountSmallDisk, type SmallDisk } from '../../support/small-disk.ts'

const PODS = { apiVersion: 'v1', plural: 'pods', namespace: 'default' }
const CLAIMS = { apiVersion: 'v1', plural: 'persistentvolumeclaims', namespace: 'default' }
const COMMAND = [process.execPath, resolve('test/integration/local/pod-script.mjs')]
type Pod = KubeObject & { status: { phase: string } }

const claim = (name: string) => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { name },
  spec: { accessModes: ['ReadWriteMany'], resources: { requests: { storage: '1Gi' } } },
})
const pod = (name: string, ...args: string[]) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name },
  spec: { containers: [{ name: 'main', image: 'image', args }] },
})

describe('a full disk', { skip: CANNOT_MOUNT }, () => {
  let root: string
  let disk: SmallDisk
  let cluster: TestCluster
  let client: KubeClient
  const reported: (string | undefined)[] = []
  beforeEach(async () => {
    root = mkdtempSync(join(tmpdir(), 'downpour-full-'))
    disk = mountSmallDisk(join(root, 'disk'), '1m')
    reported.length = 0
    const options = { command: COMMAND, onStorageOutage: (reason: string | undefined) => reported.push(reason) }
    cluster = await startTestCluster(options, disk.folder)
    client = new KubeClient({ kubeConfig: cluster.kubeconfigPath, log: silentLog, retry: NO_RETRY })
  })
  afterEach(async () => {
    await client.close()
    await cluster.close()
    disk.unmount()
    rmSync(root, { recursive: true, force: true })
  })
  /** Fills the disk until not even a short line fits: the last page has room for a few. */
  async function untilRefused(): Promise<{ names: string[]; error: Error & { httpStatus?: number } }> {
    for (const names: string[] = []; ; names.push(`claim-${names.length}`))
      try {
        await client.create(CLAIMS, claim(`claim-${names.length}`))
      } catch (error) {
        return { names, error: error as Error }
      }
  }
  const journal = () => readFileSync(join(disk.folder, 'state', 'objects.jsonl'), 'utf8')

  test('refuses a write with the reason, reports the outage once, and accepts the write when there is room', async () => {
    disk.fill()
    const { names, error } = await untilRefused()
    assert.equal(error.httpStatus, 507)
    assert.match(error.message, /no space is left on the device \(.*objects\.jsonl\)/)
    await assert.rejects(client.create(CLAIMS, claim('another')), { httpStatus: 507 })
    await assert.rejects(client.get({ ...CLAIMS, name: 'another' }), { httpStatus: 404 })
    assert.ok(journal().endsWith('\n'), 'no line is half written')
    disk.free()
    await eventually(() => assert.equal(reported.at(-1), undefined), { timeoutMs: 5000 })
    assert.deepEqual([reported.length, /no space/.test(reported[0] ?? '')], [2, true])
    await client.create(CLAIMS, claim('another'))
    await cluster.close()
    cluster = await startTestCluster({ command: COMMAND }, disk.folder)
    const { items } = await cluster.client.list<KubeObject>(CLAIMS)
    assert.deepEqual(items.map(({ metadata }) => metadata.name).sort(), [...names, 'another'].sort())
  })

  test('keeps the end of a pod in memory and stores it when there is room', async () => {
    await client.create(PODS, pod('lives', 'obey'))
    const phaseOf = async (name: string) => (await client.get<Pod>({ ...PODS, name })).status.phase
    await eventually(async () => assert.equal(await phaseOf('lives'), 'Running'))
    disk.fill()
    await untilRefused()
    for (const pid of runProcesses(disk.folder)) process.kill(pid, 'SIGKILL')
    await eventually(async () => assert.equal(await phaseOf('lives'), 'Failed'))
    assert.doesNotMatch(journal(), /"phase":"Failed"/)
    disk.free()
    await eventually(() => assert.match(journal(), /"phase":"Failed"/), { timeoutMs: 5000 })
    await client.create(PODS, pod('starts', 'obey'))
    await eventually(async () => assert.equal(await phaseOf('starts'), 'Running'))
  })

  test('is reported at the start of a cluster', async () => {
    await cluster.close()
    disk.fill()
    await assert.rejects(startTestCluster({ command: COMMAND }, disk.folder), {
      code: 'STATE_DIR_UNUSABLE',
      message: /no space is left on the device/,
    })
    disk.free()
    cluster = await startTestCluster({ command: COMMAND }, disk.folder)
  })
})
