/** Installs CRDs on the real API server as users do: ours, and those of the Prometheus operator. */
import { kubectlAt } from '../../tools/cluster/kubectl.ts'
import { ensureMonitoringCrds } from '../../tools/cluster/monitoring-crds.ts'
import type { Cluster } from '../../tools/cluster/up.ts'

const FILES = ['crds/pretrainjobs.yaml', 'crds/finetunejobs.yaml']

/** Resolves when the API server serves the kinds. */
export function applyCrds(cluster: Cluster): Promise<void> {
  return applyFiles(cluster, FILES)
}

/** ServiceMonitor, PodMonitor and PrometheusRule; resolves when the API server serves them. */
export async function applyMonitoringCrds(cluster: Cluster): Promise<void> {
  await applyFiles(cluster, [await ensureMonitoringCrds()])
}

async function applyFiles({ kubectl: file }: Cluster, files: readonly string[]): Promise<void> {
  const kubectl = kubectlAt(file)
  const named = files.flatMap((path) => ['-f', path])
  await kubectl(['apply', '--server-side', '--force-conflicts', ...named])
  await kubectl(['wait', '--for=condition=Established', '--timeout=30s', ...named])
}
