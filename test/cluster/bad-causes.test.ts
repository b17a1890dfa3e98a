/** Obstacles to creating pods on a real API server: the job's condition quotes its message, and the job continues once the obstacle is gone. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { jobPrefix, podName } from '../../src/contract/names.ts'
import type { KubeObject } from '../../src/kube/objects.ts'
import { ensureCluster } from '../../tools/cluster/ensure-cluster.ts'
import { type Kubectl, kubectlAt } from '../../tools/cluster/kubectl.ts'
import { eventually } from '../support/eventually.ts'
import { untilCondition, untilRunning } from './conditions.ts'
import { type OperatorProcess, openNamespace, type TestNamespace } from './fixture.ts'

/** Each obstacle has its own namespace. */
const OBSTACLES = ['quota', 'policy', 'webhook', 'pod', 'service'] as const
type Obstacle = (typeof OBSTACLES)[number]
const WORKERS = 3

let kubectl: Kubectl
let namespaces: Record<Obstacle, TestNamespace>
/** The namespace of the operator, which watches all others. */
let operatorNamespace: TestNamespace
let operator: OperatorProcess
before(async () => {
  kubectl = kubectlAt((await ensureCluster()).kubectl)
  const opened = await Promise.all(OBSTACLES.map(async (one) => [one, await openNamespace(nameOf(one))] as const))
  namespaces = Object.fromEntries(opened) as Record<Obstacle, TestNamespace>
  operatorNamespace = await openNamespace(nameOf('operator'), OBSTACLES.map(nameOf))
  operator = operatorNamespace.startOperator(['--no-leader-elect'])
})
after(() => Promise.all([operatorNamespace, ...Object.values(namespaces)].map((namespace) => namespace.remove())))

const nameOf = (obstacle: Obstacle | 'operator') => `bad-${obstacle}-${process.pid}`
const apply = (...items: object[]) =>
  kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }))
/** Does not wait for the end of the object: the operator may create one of the same name first, and kubectl would wait forever. */
const removeWithoutWaiting = (kind: string, name: string, namespace: string) =>
  kubectl(['delete', kind, name, '-n', namespace, '--wait=false'])
const assertRuns = () => assert.equal(operator.child.exitCode, null, operator.output())

interface Case {
  name: string
  obstacle: Obstacle
  create(namespace: TestNamespace): Promise<unknown>
  /** Matches the condition Created. */
  condition: RegExp
  remove(namespace: TestNamespace): Promise<unknown>
}

const cases: Case[] = [
  {
    name: 'a quota that is used up',
    obstacle: 'quota',
    async create({ name: namespace }) {
      await apply({
        apiVersion: 'v1',
        kind: 'ResourceQuota',
        metadata: { name: 'few', namespace },
        spec: { hard: { pods: '2' } },
      })
      // Until a controller has counted the used pods, the quota refuses every pod.
      await kubectl([
        'wait',
        '-n',
        namespace,
        'resourcequota/few',
        '--for=jsonpath={.status.used.pods}=0',
        '--timeout=20s',
      ])
    },
    condition:
      /^False QuotaExceeded: pods "jft-pj-.*" is forbidden: exceeded quota: few, requested: pods=1, used: pods=2, limited: pods=2/,
    remove: ({ name }) => kubectl(['delete', 'resourcequota', 'few', '-n', name]),
  },
  {
    name: 'an admission policy that refuses the pods',
    obstacle: 'policy',
    async create({ name }) {
      const trusted = "object.spec.containers.all(c, c.image.startsWith('trusted/'))"
      await apply(...policy(name, trusted, 'images must be trusted'))
      // The API server applies a new policy a moment after it has stored it.
      const pod = ['run', 'probe', '--image=none', '--dry-run=server', '-n', name]
      await eventually(() => assert.rejects(kubectl(pod), /images must be trusted/), { timeoutMs: 20_000 })
    },
    condition:
      /^False AdmissionDenied: pods "jft-pj-.*" is forbidden: ValidatingAdmissionPolicy '.*' with binding '.*' denied request: images must be trusted/,
    remove: ({ name }) => kubectl(['delete', 'validatingadmissionpolicybinding,validatingadmissionpolicy', name]),
  },
  {
    name: 'an admission webhook that does not answer',
    obstacle: 'webhook',
    create: ({ name }) => apply(webhook(name)),
    condition:
      /^False WebhookFailed: Internal error occurred: failed calling webhook "pods\.test\.dev": .*connection refused/,
    remove: ({ name }) => kubectl(['delete', 'validatingwebhookconfiguration', name]),
  },
  {
    name: 'another pod with the name of a worker',
    obstacle: 'pod',
    create: ({ name }) => apply(foreignPod(podName('PretrainJob', 'jft', 'worker', 1), name)),
    condition:
      /^False NameConflict: pods bad-pod-\d+\/jft-pj-worker-1 exists already and belongs to no controller; delete it or rename the job/,
    remove: ({ name }) => removeWithoutWaiting('pod', podName('PretrainJob', 'jft', 'worker', 1), name),
  },
  {
    name: 'another service with the name of the job',
    obstacle: 'service',
    create: ({ name }) => apply(foreignService(jobPrefix('PretrainJob', 'jft'), name)),
    condition:
      /^False NameConflict: services bad-service-\d+\/jft-pj exists already and belongs to no controller; delete it or rename the job/,
    remove: ({ name }) => removeWithoutWaiting('service', jobPrefix('PretrainJob', 'jft'), name),
  },
]

describe('the job reports the obstacle within seconds, and recovers when it is removed', { concurrency: true }, () => {
  for (const { name, obstacle, create, condition, remove } of cases) {
    test(name, async (t) => {
      const namespace = namespaces[obstacle]
      await create(namespace)
      await namespace.createJob('jft', WORKERS)
      t.diagnostic(await untilCondition(namespace, 'jft', 'Created', condition))
      await remove(namespace)
      await untilRunning(namespace, 'jft')
      assertRuns()
    })
  }
})

const inNamespace = (name: string) => ({ matchLabels: { 'kubernetes.io/metadata.name': name } })
const PODS = { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }

function policy(name: string, expression: string, message: string): object[] {
  const common = { apiVersion: 'admissionregistration.k8s.io/v1', metadata: { name } }
  const matchConstraints = { resourceRules: [PODS], namespaceSelector: inNamespace(name) }
  return [
    {
      ...common,
      kind: 'ValidatingAdmissionPolicy',
      spec: { matchConstraints, validations: [{ expression, message }] },
    },
    { ...common, kind: 'ValidatingAdmissionPolicyBinding', spec: { policyName: name, validationActions: ['Deny'] } },
  ]
}

function webhook(name: string): object {
  const hook = {
    name: 'pods.test.dev',
    clientConfig: { url: 'https://127.0.0.1:1/' },
    rules: [PODS],
    namespaceSelector: inNamespace(name),
    failurePolicy: 'Fail',
    sideEffects: 'None',
    admissionReviewVersions: ['v1'],
  }
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingWebhookConfiguration',
    metadata: { name },
    webhooks: [hook],
  }
}

function foreignPod(name: string, namespace: string): KubeObject & object {
  const spec = { containers: [{ name: 'main', image: 'none.invalid/none' }] }
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace }, spec } as KubeObject
}

function foreignService(name: string, namespace: string): object {
  return { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace }, spec: { ports: [{ port: 80 }] } }
}
