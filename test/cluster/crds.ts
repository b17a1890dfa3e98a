/** Installs our CRDs on the real API server as users do. */
import { kubectlAt } from '../../tools/cluster/kubectl.ts'
import type { Cluster } from '../../tools/cluster/up.ts'

const FILES = ['crds/pretrainjobs.yaml', 'crds/finetunejobs.yaml']

/** Resolves when the API server serves the kinds. */
export async function applyCrds({ kubectl: file }: Cluster): Promise<void> {
  const kubectl = kubectlAt(file)
  const named = FILES.flatMap((path) => ['-f', path])
  await kubectl(['apply', '--server-side', '--force-conflicts', ...named])
  await kubectl(['wait', '--for=condition=Established', '--timeout=30s', ...named])
}
