/** For tests: a cluster that is up, whoever started it. */
import type { ClusterOptions } from './state.ts'
import { type Cluster, up } from './up.ts'

/**
 * Brings up what is missing; options that are left out stay as the running cluster has them.
 * @example const { kubeconfig } = await ensureCluster()
 */
export function ensureCluster(options: ClusterOptions = {}): Promise<Cluster> {
  return up(options)
}
