/** Kubeflow's training-operator, built from its module and run against the cluster, as a baseline for benchmarks. */
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
/** A path fixed in its source, where a deployment mounts its Secret. */
const CERTIFICATES = '/tmp/k8s-webhook-server/serving-certs'

/** The objects of its manifests that it needs. Webhooks are left out: without a Service, the API server could not reach them. */
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

/**
 * Starts it twice the first time: it writes its certificate to a Secret, but reads it from a folder at start, into which
 * this function copies it between the two.
 */
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

/** @returns whether the Secret contained the certificates */
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
