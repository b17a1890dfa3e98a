/** Ends every process of the cluster and waits until it is gone. `purge` also deletes the cluster's state, but not the builds. */
import { rmSync } from 'node:fs'
import { withLock } from './lock.ts'
import { KUBECONFIG, STATE } from './paths.ts'
import { startedNames, stop } from './processes.ts'
import { stopRealNode } from './real-node-down.ts'
import { say, seconds } from './say.ts'
import { readState } from './state.ts'

/** Clients of the API server stop before it, and it stops before its storage. */
const STOP_ORDER = ['kwok', 'kube-scheduler', 'kube-controller-manager', 'kube-apiserver', 'etcd']

export function down(options: { purge: boolean }, signal?: AbortSignal): Promise<void> {
  return withLock(async () => {
    const state = readState()
    if (state?.realNode) await stopRealNode()
    const others = startedNames().filter((name) => !STOP_ORDER.includes(name))
    for (const name of [...others, ...STOP_ORDER]) {
      const started = performance.now()
      if (await stop(name)) say(`stopped ${name} ... ${seconds(started)} s`)
    }
    if (options.purge) for (const path of [STATE, KUBECONFIG]) rmSync(path, { recursive: true, force: true })
    say(options.purge ? 'down, state deleted' : 'down, state kept: `up` starts the same cluster again')
  }, signal)
}
