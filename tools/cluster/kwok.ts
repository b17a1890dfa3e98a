/** What kwok must find when it starts. */
import type { Kubectl } from './kubectl.ts'
import { KWOK_STAGES, manifestFile } from './manifests.ts'
import { step } from './say.ts'

const LEASES = ['-n', 'kube-node-lease']

export async function prepareKwok(kubectl: Kubectl): Promise<void> {
  await step('applying the stages of kwok', () => applyStages(kubectl))
  await freeNodes(kubectl)
}

/** The first time, the kind is not served yet when its first objects come. */
async function applyStages(kubectl: Kubectl): Promise<void> {
  const apply = () => kubectl(['apply', '--server-side', '--force-conflicts', '-f', manifestFile(KWOK_STAGES.name)])
  await apply().catch(async () => {
    await kubectl(['wait', 'crd/stages.kwok.x-k8s.io', '--for=condition=Established', '--timeout=30s'])
    await apply()
  })
}

/** Each kwok is another holder to the leases of its nodes: until the last one's expire, 40 s later, no pod would start. */
async function freeNodes(kubectl: Kubectl): Promise<void> {
  const names = (await kubectl(['get', 'leases', ...LEASES, '-o', 'name'])).split('\n')
  const held = names.filter((name) => name.includes('/fake-'))
  if (held.length > 0) await kubectl(['delete', ...LEASES, ...held])
}
