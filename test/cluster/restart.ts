/** A component of the test's cluster dies without a word and comes back. */
import assert from 'node:assert/strict'
import { ensureCluster } from '../../tools/cluster/ensure-cluster.ts'
import { pidOf } from '../../tools/cluster/processes.ts'
import { eventually } from '../support/eventually.ts'

/** The watch caches of an API server begin empty: whoever goes on from a version of before is answered 410. */
export async function restart(component: 'kube-apiserver' | 'kube-controller-manager'): Promise<void> {
  const pid = pidOf(component)
  assert.ok(pid, `no ${component} runs`)
  process.kill(pid, 'SIGKILL')
  await eventually(() => assert.equal(pidOf(component), undefined))
  await ensureCluster()
}
