/** Ends every process of the cluster and waits until it is gone; with `purge`, forgets what the cluster knew. Builds stay. */
import { rmSync } from 'node:fs'
import { withLock } from './lock.ts'
import { KUBECONFIG, STATE } from './paths.ts'
import { startedNames, stop } from './processes.ts'
import { stopRealNode } from './real-node-down.ts'
import { say, seconds } from './say.ts'
import { readState } from './state.ts'

/** Users of the API before the API server, and that before its storage. */
const ORDER = ['kwok', 'kube-scheduler', 'kube-controller-manager', 'kube-apiserver', 'etcd']

export function down(options: { purge: boolean }, signal?: AbortSignal): Promise<void> {
  return withLock(async () => {
    const state = readState()
    if (state?.realNode) await stopRealNode()
    const others = startedNames().filter((name) => !ORDER.includes(name))
    for (const name of [...others, ...ORDER]) {
      const started = performance.now()
      if (await stop(name)) say(`stopped ${name} ... ${seconds(started)} s`)
    }
    if (options.purge) for (const path of [STATE, KUBECONFIG]) rmSync(path, { recursive: true, force: true })
    say(options.purge ? 'down, and its state is removed' : 'down; `up` brings it back as it was')
  }, signal)
}
