/** A peer to measure against: Kubeflow's training-operator, built from its module, run against the cluster. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { trainingOperator as binary } from './binaries.ts'
import { component } from './control-plane.ts'
import type { Kubectl } from './kubectl.ts'
import { manifestFile } from './manifests.ts'
import { KUBECONFIG } from './paths.ts'
import { httpProbe } from './probes.ts'
import { type Component, ensureRunning, stop } from './processes.ts'
import type { ClusterState } from './state.ts'

export const TRAINING_OPERATOR = 'training-operator'
const NAMESPACE = 'kubeflow'
const SECRET = 'training-operator-webhook-cert'
/** Fixed in its source; in a cluster its Secret is mounted there. */
const CERTIFICATES = '/tmp/k8s-webhook-server/serving-certs'

/** What its manifests bring along, less the webhooks: the API server could not reach them without a Service. */
const OBJECTS = [
  { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } },
  { apiVersion: 'v1', kind: 'Secret', metadata: { name: SECRET, namespace: NAMESPACE } },
  {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingWebhookConfiguration',
    metadata: { name: 'validator.training-operator.kubeflow.org' },
    webhooks: [],
  },
]

export function trainingOperator({ ports }: ClusterState): Component {
  const args = [
    `--kubeconfig=${KUBECONFIG}`,
    '--metrics-bind-address=0',
    `--health-probe-bind-address=127.0.0.1:${ports.trainingOperatorHealth}`,
    `--webhook-server-port=${ports.trainingOperatorWebhook}`,
  ]
  return component(binary(), args, httpProbe(`http://127.0.0.1:${ports.trainingOperatorHealth}/readyz`))
}

/** It writes its certificate into its Secret and reads it from a folder at its start: so the first start is for the Secret. */
export async function startTrainingOperator(
  state: ClusterState,
  kubectl: Kubectl,
  ensure: (component: Component) => Promise<unknown>,
  signal?: AbortSignal,
): Promise<void> {
  const wanted = trainingOperator(state)
  await kubectl(['apply', '--server-side', '--force-conflicts', '-f', manifestFile(TRAINING_OPERATOR)])
  if (!(await copyCertificates(kubectl))) {
    await kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: OBJECTS }))
    const probe = async () => {
      if (!(await copyCertificates(kubectl))) throw new Error(`Secret ${SECRET} is empty`)
    }
    await ensureRunning({ ...wanted, probe }, signal)
    await stop(wanted.name)
  }
  await ensure(wanted)
}

/** @returns whether the Secret had them. */
async function copyCertificates(kubectl: Kubectl): Promise<boolean> {
  const args = ['get', 'secret', SECRET, '-n', NAMESPACE, '--ignore-not-found', '-o', 'json']
  const text = await kubectl(args)
  const { data = {} } = JSON.parse(text || '{}') as { data?: Record<string, string> }
  if (!data['tls.crt']) return false
  mkdirSync(CERTIFICATES, { recursive: true })
  for (const [name, value] of Object.entries(data)) {
    writeFileSync(join(CERTIFICATES, name), Buffer.from(value, 'base64'), { mode: 0o600 })
  }
  return true
}
