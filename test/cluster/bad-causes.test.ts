/** What keeps pods from being made, on a real API server: the job says it in its words, and goes on when it is gone. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { jobPrefix, podName } from '../../src/contract/names.ts'
import type { KubeObject } from '../../src/kube/objects.ts'
import { ensureCluster } from '../../tools/cluster/ensure-cluster.ts'
import { type Kubectl, kubectlAt } from '../../tools/cluster/kubectl.ts'
import { type OperatorProcess, openNamespace, type TestNamespace } from './fixture.ts'
import { recovers, says } from './verdicts.ts'

const PLACES = ['quota', 'policy', 'webhook', 'pod', 'service'] as const
type Place = (typeof PLACES)[number]
const WORKERS = 3

let kubectl: Kubectl
let places: Record<Place, TestNamespace>
/** Its operator watches them all. */
let home: TestNamespace
let operator: OperatorProcess
before(async () => {
  kubectl = kubectlAt((await ensureCluster()).kubectl)
  const opened = await Promise.all(PLACES.map(async (place) => [place, await openNamespace(nameOf(place))] as const))
  places = Object.fromEntries(opened) as Record<Place, TestNamespace>
  home = await openNamespace(nameOf('home'), PLACES.map(nameOf))
  operator = home.startOperator(['--no-leader-elect'])
})
after(() => Promise.all([home, ...Object.values(places)].map((place) => place.remove())))

const nameOf = (place: Place | 'home') => `bad-${place}-${process.pid}`
const apply = (...items: object[]) =>
  kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }))
/** kubectl would wait for ever: ours takes the name before it has looked whether the other one is gone. */
const removeAtOnce = (kind: string, name: string, namespace: string) =>
  kubectl(['delete', kind, name, '-n', namespace, '--wait=false'])
const isUp = () => assert.equal(operator.child.exitCode, null, operator.output())

interface Cause {
  name: string
  place: Place
  make(place: TestNamespace): Promise<unknown>
  words: RegExp
  remove(place: TestNamespace): Promise<unknown>
}

const causes: Cause[] = [
  {
    name: 'a quota that is used up',
    place: 'quota',
    async make({ name: namespace }) {
      await apply({
        apiVersion: 'v1',
        kind: 'ResourceQuota',
        metadata: { name: 'few', namespace },
        spec: { hard: { pods: '2' } },
      })
      // Before somebody has counted, it refuses everything.
      await kubectl([
        'wait',
        '-n',
        namespace,
        'resourcequota/few',
        '--for=jsonpath={.status.used.pods}=0',
        '--timeout=20s',
      ])
    },
    words:
      /^False QuotaExceeded: pods "jft-pj-.*" is forbidden: exceeded quota: few, requested: pods=1, used: pods=2, limited: pods=2/,
    remove: ({ name }) => kubectl(['delete', 'resourcequota', 'few', '-n', name]),
  },
  {
    name: 'a policy that refuses our pods',
    place: 'policy',
    make: ({ name }) =>
      apply(...policy(name, "object.spec.containers.all(c, c.image.startsWith('trusted/'))", 'images must be trusted')),
    words:
      /^False AdmissionDenied: pods "jft-pj-.*" is forbidden: ValidatingAdmissionPolicy '.*' with binding '.*' denied request: images must be trusted/,
    remove: ({ name }) => kubectl(['delete', 'validatingadmissionpolicybinding,validatingadmissionpolicy', name]),
  },
  {
    name: 'a webhook that nobody answers',
    place: 'webhook',
    make: ({ name }) => apply(webhook(name)),
    words:
      /^False WebhookFailed: Internal error occurred: failed calling webhook "pods\.test\.dev": .*connection refused/,
    remove: ({ name }) => kubectl(['delete', 'validatingwebhookconfiguration', name]),
  },
  {
    name: 'a pod of somebody else under our name',
    place: 'pod',
    make: ({ name }) => apply(foreignPod(podName('PretrainJob', 'jft', 'worker', 1), name)),
    words:
      /^False NameConflict: pods bad-pod-\d+\/jft-pj-worker-1 exists already and belongs to no controller; delete it or rename the job/,
    remove: ({ name }) => removeAtOnce('pod', podName('PretrainJob', 'jft', 'worker', 1), name),
  },
  {
    name: 'a service of somebody else under our name',
    place: 'service',
    make: ({ name }) => apply(foreignService(jobPrefix('PretrainJob', 'jft'), name)),
    words:
      /^False NameConflict: services bad-service-\d+\/jft-pj exists already and belongs to no controller; delete it or rename the job/,
    remove: ({ name }) => removeAtOnce('service', jobPrefix('PretrainJob', 'jft'), name),
  },
]

describe('what keeps pods out is told within seconds, and gone when its cause is', { concurrency: true }, () => {
  for (const { name, place, make, words, remove } of causes) {
    test(name, async (t) => {
      const where = places[place]
      await make(where)
      await where.createJob('jft', WORKERS)
      t.diagnostic(await says(where, 'jft', 'Created', words))
      await remove(where)
      await recovers(where, 'jft')
      isUp()
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
