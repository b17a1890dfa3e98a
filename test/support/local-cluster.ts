/** Starts a local cluster in a temporary folder, with helpers for tests. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { KubeClient } from '../../src/kube/client.ts'
import { type LocalCluster, type LocalClusterOptions, startLocalCluster } from '../../src/local/cluster.ts'
import { silentLog } from '../../src/support/log.ts'

export interface TestCluster extends LocalCluster {
  stateDir: string
  client: KubeClient
  /** Starts the cluster again on the same folder. */
  restart(): Promise<TestCluster>
  /** Closes the cluster and removes the folder. */
  dispose(): Promise<void>
}

export async function startTestCluster(
  options: Partial<LocalClusterOptions> = {},
  stateDir?: string,
): Promise<TestCluster> {
  const folder = stateDir ?? (await mkdtemp(join(tmpdir(), 'downpour-local-')))
  const defaults = { command: [process.execPath], environment: { PATH: process.env.PATH }, log: silentLog }
  const cluster = await startLocalCluster({ ...defaults, ...options, stateDir: folder })
  const client = new KubeClient({ kubeConfig: cluster.kubeconfigPath, log: silentLog })
  const close = async () => {
    await client.close()
    await cluster.close()
  }
  return {
    ...cluster,
    close,
    stateDir: folder,
    client,
    async restart() {
      await close()
      return startTestCluster(options, folder)
    },
    async dispose() {
      await close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
