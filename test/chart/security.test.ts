import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { parseJob } from '../../src/api/parse.ts'
import { ROLES } from '../../src/contract/names.ts'
import { planJob } from '../../src/plan/job-plan.ts'
import { ofKind, type PodSpec, podSpecOf, type Rendered, render, skip } from './chart.ts'
import { MATRIX } from './matrix.ts'
import { restrictedProblems } from './restricted.ts'

const operatorPod = (objects: readonly Rendered[]): PodSpec => podSpecOf(ofKind(objects, 'Deployment')[0] as Rendered)

for (const [description, values] of Object.entries(MATRIX)) {
  suite(`with ${description}`, { skip }, () => {
    const objects = skip ? [] : render(values)

    test('the operator passes Pod Security restricted', () => {
      // Where the cluster assigns the user, runAsNonRoot still excludes root.
      assert.deepEqual(restrictedProblems(operatorPod(objects)), [])
    })

    test('it has requests and limits for CPU, memory and disk', () => {
      for (const { resources } of operatorPod(objects).containers) {
        for (const kind of ['cpu', 'memory', 'ephemeral-storage']) {
          assert.ok(resources?.requests?.[kind] && resources.limits?.[kind], kind)
        }
      }
    })

    test('its token is projected once, expires, and is not mounted automatically', () => {
      const projected = operatorPod(objects).volumes?.filter(({ projected }) => projected) ?? []
      const sources = projected.flatMap(
        (volume) => (volume.projected as { sources: Record<string, { expirationSeconds?: number }>[] }).sources,
      )
      const [token, ...others] = sources.flatMap(({ serviceAccountToken }) => serviceAccountToken ?? [])
      assert.ok((token?.expirationSeconds ?? 0) >= 600)
      assert.deepEqual(others, [])
      for (const account of ofKind(objects, 'ServiceAccount')) {
        assert.equal((account as { automountServiceAccountToken?: boolean }).automountServiceAccountToken, false)
      }
    })

    test('no rule has a wildcard, Secrets, or access into pods', () => {
      for (const { rules = [], metadata } of objects) {
        for (const { apiGroups, resources, verbs } of rules) {
          assert.ok(![...apiGroups, ...resources, ...verbs].includes('*'), metadata.name)
          const forbidden = resources.filter((name) =>
            /^(secrets|pods\/(exec|attach|portforward|ephemeralcontainers)|nodes|.*roles|.*rolebindings)$/.test(name),
          )
          assert.deepEqual(forbidden, [], metadata.name)
          assert.deepEqual(
            verbs.filter((verb) => ['escalate', 'bind', 'impersonate'].includes(verb)),
            [],
          )
        }
      }
    })

    test('no image has the tag latest, and no environment variable holds a secret', () => {
      for (const { image, env = [] } of operatorPod(objects).containers) {
        assert.match(image, /(:(?!latest)[\w.-]+|@sha256:[0-9a-f]{64})$/)
        assert.deepEqual(
          env.filter(({ name, value }) => value !== undefined && /SECRET|TOKEN|PASSWORD/i.test(name)),
          [],
        )
      }
    })

    test('services are internal to the cluster, and there is no webhook', () => {
      for (const { spec } of ofKind(objects, 'Service')) assert.equal(spec?.type, 'ClusterIP')
      assert.deepEqual(
        objects.filter(({ kind }) => kind.includes('Webhook')),
        [],
      )
    })
  })
}

suite('a network policy', { skip }, () => {
  test('selects the operator, and allows the API server, DNS and pods', () => {
    const objects = skip ? [] : render(MATRIX['everything that is off by default'])
    const [policy] = ofKind(objects, 'NetworkPolicy')
    const spec = policy?.spec as {
      podSelector: unknown
      policyTypes: string[]
      egress: { ports: { port: number }[] }[]
    }
    assert.deepEqual(spec.podSelector, ofKind(objects, 'Deployment')[0]?.spec?.selector)
    assert.deepEqual(spec.policyTypes, ['Ingress', 'Egress'])
    assert.deepEqual(
      spec.egress.flatMap(({ ports }) => ports.map(({ port }) => port)),
      [6443, 53, 53, 9090],
    )
  })
})

test('the pods of a job pass Pod Security restricted', () => {
  const claim = (claimName: string) => ({ claimName })
  const data = { source: claim('data'), format: 'tfrecord', labels: 'labels.json' }
  const job = parseJob({
    apiVersion: 'downpour.dev/v1alpha1',
    kind: 'PretrainJob',
    metadata: { name: 'jft', namespace: 'team', uid: 'u' },
    spec: {
      preset: 'jft-resnet101',
      data,
      evaluation: { data, metric: 'mAP@100' },
      checkpoint: { storage: { volume: claim('checkpoints') } },
    },
  })
  const plan = planJob(job, { defaultImage: 'image:1' })
  for (const role of ROLES) {
    const pod = plan.pod(role, 0, { attempt: 0, generation: 0 })
    assert.deepEqual(restrictedProblems(pod.spec as unknown as PodSpec), [], role)
  }
})

suite('the checks report', () => {
  const good: PodSpec = {
    automountServiceAccountToken: false,
    securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    containers: [
      {
        name: 'c',
        image: 'i:1',
        securityContext: {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        },
      },
    ],
  }
  const [container] = good.containers as [PodSpec['containers'][number]]
  const withContext = (context: object): PodSpec => ({
    ...good,
    containers: [{ ...container, securityContext: { ...container.securityContext, ...context } }],
  })
  const bad: [string, PodSpec][] = [
    ['root', withContext({ runAsNonRoot: false })],
    ['user 0', withContext({ runAsUser: 0 })],
    ['no seccomp', withContext({ seccompProfile: { type: 'Unconfined' } })],
    ['escalation', withContext({ allowPrivilegeEscalation: true })],
    ['a writable root file system', withContext({ readOnlyRootFilesystem: false })],
    ['kept capabilities', withContext({ capabilities: { drop: ['NET_RAW'] } })],
    ['added capabilities', withContext({ capabilities: { drop: ['ALL'], add: ['NET_BIND_SERVICE'] } })],
    ['the host network', { ...good, hostNetwork: true }],
    ['a host path', { ...good, volumes: [{ name: 'v', hostPath: { path: '/' } }] }],
    ['an emptyDir without a limit', { ...good, volumes: [{ name: 'v', emptyDir: {} }] }],
    ['a mounted token', { ...good, automountServiceAccountToken: true }],
    ['a host port', { ...good, containers: [{ ...container, ports: [{ name: 'p', containerPort: 1, hostPort: 1 }] }] }],
  ]
  test('nothing for a restricted pod', () => assert.deepEqual(restrictedProblems(good), []))
  for (const [what, pod] of bad) test(what, () => assert.equal(restrictedProblems(pod).length, 1))
})
