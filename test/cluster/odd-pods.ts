/** Pods that are no targets, or have more ports than the one to scrape. All but the stranger have the labels of a job's pods. */
import { LABELS } from '../../src/contract/names.ts'
import type { Kubectl } from '../../tools/cluster/kubectl.ts'

const LABELLED = {
  [LABELS.managedBy]: 'downpour',
  [LABELS.jobKind]: 'PretrainJob',
  [LABELS.jobName]: 'by-hand',
  [LABELS.jobUid]: 'by-hand',
  [LABELS.role]: 'worker',
}
const HTTP = [{ name: 'http', containerPort: 9090 }]

/** Names of pods by what is odd about them. */
export const ODD = { ended: 'ended', portless: 'portless', stranger: 'stranger', withSidecar: 'with-sidecar' } as const

/** Resolves when each has an address and its phase. */
export async function createOddPods(kubectl: Kubectl, namespace: string): Promise<void> {
  const pod = (name: string, labels: object, containers: object[]) => ({
    ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace, labels } },
    spec: { containers: containers.map((one) => ({ image: 'none.invalid/none', ...one })) },
  })
  const items = [
    pod(ODD.ended, LABELLED, [{ name: 'worker', ports: HTTP }]),
    pod(ODD.portless, LABELLED, [{ name: 'worker' }]),
    pod(ODD.stranger, { [LABELS.managedBy]: 'other' }, [{ name: 'worker', ports: HTTP }]),
    pod(ODD.withSidecar, LABELLED, [
      { name: 'mesh', ports: [{ name: 'http', containerPort: 15_000 }] },
      { name: 'worker', ports: HTTP },
    ]),
  ]
  await kubectl(['create', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }))
  const names = items.map(({ metadata }) => `pod/${metadata.name}`)
  await kubectl(['wait', '-n', namespace, '--for=jsonpath={.status.phase}=Running', '--timeout=60s', ...names])
  const status = ['--subresource=status', '--type=merge', '-p', '{"status":{"phase":"Succeeded"}}']
  await kubectl(['patch', '-n', namespace, `pod/${ODD.ended}`, ...status])
}
