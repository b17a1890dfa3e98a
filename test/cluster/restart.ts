/** Kills a component of the test cluster and starts it again. */
import assert from 'node:assert/strict'
import { ensureCluster } from '../../tools/cluster/ensure-cluster.ts'
import { pidOf } from '../../tools/cluster/processes.ts'
import { eventually } from '../support/eventually.ts'

/** After a restart the API server's watch caches are empty: a watch from an older resourceVersion gets 410 Gone. */
export async function restart(component: 'kube-apiserver' | 'kube-controller-manager'): Promise<void> {
  const pid = pidOf(component)
  assert.ok(pid, `${component} does not run`)
  process.kill(pid, 'SIGKILL')
  await eventually(() => assert.equal(pidOf(component), undefined))
  await ensureCluster()
}
