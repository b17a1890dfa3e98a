/** Runs test/conformance, which local mode's API server passes, against the real API server. */
import { globSync } from 'node:fs'
import { resolve } from 'node:path'
import { ensureCluster } from '../../tools/cluster/ensure-cluster.ts'
import { applyCrds } from './crds.ts'

const cluster = await ensureCluster()
await applyCrds(cluster)
// Set before the imports, because the test files read it when they load.
process.env.DOWNPOUR_CONFORMANCE_KUBECONFIG = cluster.kubeconfig
for (const file of globSync('test/conformance/*.test.ts').sort()) await import(resolve(file))
