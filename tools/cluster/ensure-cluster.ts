/** Gives tests a running cluster; one that already runs is reused. */
import type { ClusterOptions } from './state.ts'
import { type Cluster, up } from './up.ts'

/**
 * Starts whatever does not run. Options that are left out keep the value that the cluster has.
 * @example const { kubeconfig } = await ensureCluster()
 */
export function ensureCluster(options: ClusterOptions = {}): Promise<Cluster> {
  return up(options)
}
