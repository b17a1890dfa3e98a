/** Prepares the API server for a start of kwok: installs its stages and deletes old leases of the fake nodes. */
import type { Kubectl } from './kubectl.ts'
import { KWOK_STAGES, manifestFile } from './manifests.ts'
import { step } from './say.ts'

const LEASES = ['-n', 'kube-node-lease']

export async function prepareKwok(kubectl: Kubectl): Promise<void> {
  await step('applying the stages of kwok', () => applyStages(kubectl))
  await deleteNodeLeases(kubectl)
}

/** Applies again after a failure: the first time, the API server does not serve the kind Stage yet. */
async function applyStages(kubectl: Kubectl): Promise<void> {
  const apply = () => kubectl(['apply', '--server-side', '--force-conflicts', '-f', manifestFile(KWOK_STAGES.name)])
  await apply().catch(async () => {
    await kubectl(['wait', 'crd/stages.kwok.x-k8s.io', '--for=condition=Established', '--timeout=30s'])
    await apply()
  })
}

/** Each kwok process is a new holder of its nodes' leases; no pod would start until the old leases expire after 40 s. */
async function deleteNodeLeases(kubectl: Kubectl): Promise<void> {
  const names = (await kubectl(['get', 'leases', ...LEASES, '-o', 'name'])).split('\n')
  const held = names.filter((name) => name.includes('/fake-'))
  if (held.length > 0) await kubectl(['delete', ...LEASES, ...held])
}
