/** test/conformance against the real API server: what local mode claims to be. */
import { globSync } from 'node:fs'
import { resolve } from 'node:path'
import { ensureCluster } from '../../tools/cluster/ensure-cluster.ts'
import { applyCrds } from './crds.ts'

const cluster = await ensureCluster()
await applyCrds(cluster)
// Read when the files are.
process.env.DOWNPOUR_CONFORMANCE_KUBECONFIG = cluster.kubeconfig
for (const file of globSync('test/conformance/*.test.ts').sort()) await import(resolve(file))
