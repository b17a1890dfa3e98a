import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import {
  type Container,
  lint,
  NAMESPACE,
  notes,
  ofKind,
  podSpecOf,
  type Rendered,
  render,
  skip,
  template,
} from './chart.ts'
import { MATRIX } from './matrix.ts'

const nameOf = ({ kind, metadata }: Rendered) => `${kind} ${metadata.namespace ?? ''}/${metadata.name}`
const CLUSTER_WIDE = ['ClusterRole', 'ClusterRoleBinding', 'CustomResourceDefinition']

function operatorOf(objects: readonly Rendered[]): { deployment: Rendered; container: Container } {
  const [deployment] = ofKind(objects, 'Deployment')
  assert.ok(deployment)
  const [container] = podSpecOf(deployment).containers
  assert.ok(container)
  return { deployment, container }
}

for (const [description, values] of Object.entries(MATRIX)) {
  suite(`with ${description}`, { skip }, () => {
    test('helm lint finds no problem', () => {
      const { status, stdout } = lint(values)
      assert.equal(status, 0, stdout)
    })

    test('the notes are rendered', () => assert.match(notes(values), /rollout status/))

    test('names are unique and not too long, and every namespaced object has a namespace', () => {
      const objects = render(values)
      assert.equal(new Set(objects.map(nameOf)).size, objects.length)
      for (const object of objects) {
        assert.ok(object.metadata.name.length <= 63, object.metadata.name)
        assert.equal(object.metadata.namespace === undefined, CLUSTER_WIDE.includes(object.kind), nameOf(object))
      }
    })

    test('every selector matches the operator, and bindings refer to roles and accounts of the release', () => {
      const objects = render(values)
      const { deployment } = operatorOf(objects)
      const spec = deployment.spec as {
        selector: { matchLabels: Record<string, string> }
        template: { metadata: { labels: Record<string, string> } }
      }
      const { labels } = spec.template.metadata
      for (const [key, value] of Object.entries(spec.selector.matchLabels)) assert.equal(labels[key], value)
      for (const { spec: service } of ofKind(objects, 'Service')) {
        assert.deepEqual(service?.selector, spec.selector.matchLabels)
      }
      const names = new Set(objects.map(nameOf))
      for (const { roleRef, metadata, subjects } of objects) {
        if (!roleRef) continue
        const namespace = roleRef.kind === 'Role' ? metadata.namespace : ''
        assert.ok(names.has(`${roleRef.kind} ${namespace}/${roleRef.name}`))
        assert.deepEqual(
          subjects?.map(({ name }) => name),
          [podSpecOf(deployment).serviceAccountName],
        )
      }
    })
  })
}

suite('the operator gets the values as arguments', { skip }, () => {
  const argsOf = (values: object) => operatorOf(render({ ...values })).container.args ?? []

  test('its command, the lease of the release, the runtime image', () => {
    const args = argsOf({})
    assert.equal(args[0], 'operator')
    for (const flag of [
      `--lease-namespace=${NAMESPACE}`,
      '--lease-name=downpour',
      '--default-image=downpour/runtime:0.1.0',
    ]) {
      assert.ok(args.includes(flag), `${flag} in ${args}`)
    }
  })

  test('its namespaces, request limits, log level and concurrency', () => {
    const args = argsOf({
      watchNamespaces: ['a', 'b'],
      kubeClient: { qps: 7, burst: 9 },
      logLevel: 'debug',
      concurrency: 3,
    })
    for (const flag of [
      '--namespace=a',
      '--namespace=b',
      '--kube-qps=7',
      '--kube-burst=9',
      '--log-level=debug',
      '--concurrency=3',
    ]) {
      assert.ok(args.includes(flag), `${flag} in ${args}`)
    }
  })

  test('podIds, which also decides the user and groups of its own pod', () => {
    const idsOf = (values: object) => {
      const { deployment } = operatorOf(render({ ...values }))
      const { runAsUser, runAsGroup, fsGroup, runAsNonRoot } = podSpecOf(deployment).securityContext ?? {}
      return [runAsUser, runAsGroup, fsGroup, runAsNonRoot]
    }
    assert.ok(argsOf({}).includes('--pod-ids=fixed'))
    assert.deepEqual(idsOf({}), [65532, 65532, 65532, true])
    assert.ok(argsOf({ podIds: 'platform' }).includes('--pod-ids=platform'))
    assert.deepEqual(idsOf({ podIds: 'platform' }), [undefined, undefined, undefined, true])
  })

  test('an image is named by its tag, or by its digest without the tag', () => {
    assert.equal(operatorOf(render()).container.image, 'downpour/operator:0.1.0')
    const digest = `sha256:${'b'.repeat(64)}`
    assert.equal(operatorOf(render({ image: { tag: 'x', digest } })).container.image, `downpour/operator@${digest}`)
  })

  test('the operator of this version accepts every argument', async () => {
    const { register } = await import('../../src/cli/verbs/operator.ts')
    const { Command } = await import('commander')
    let parsed: unknown
    const program = new Command().exitOverride()
    register(program.command('operator').exitOverride(), async (options) => {
      parsed = options
      return 0
    })
    await program.parseAsync(argsOf({ watchNamespaces: ['a', 'b'], metrics: { scrapeAnnotations: true } }), {
      from: 'user',
    })
    assert.deepEqual((parsed as { namespaces: string[] }).namespaces, ['a', 'b'])
  })
})

test('the release has an empty lease, so that an upgrade does not undo what the operator writes to it', {
  skip,
}, () => {
  const [lease, ...others] = ofKind(render(), 'Lease')
  assert.deepEqual(
    [lease?.metadata.name, lease?.metadata.namespace, lease?.spec, others.length],
    ['downpour', NAMESPACE, undefined, 0],
  )
  assert.deepEqual(ofKind(render({ leaderElection: { enabled: false } }), 'Lease'), [])
})

suite('values that exclude each other are refused with a message', { skip }, () => {
  const refusals: [string, object, RegExp][] = [
    [
      'two replicas without a lease',
      { replicas: 2, leaderElection: { enabled: false } },
      /requires leaderElection\.enabled/,
    ],
    [
      'a monitor without its service',
      { metrics: { service: { enabled: false }, serviceMonitor: { enabled: true } } },
      /needs metrics\.service\.enabled/,
    ],
    ['no service account', { serviceAccount: { create: false } }, /serviceAccount\.name: needed/],
  ]
  for (const [what, values, message] of refusals) {
    test(what, () => {
      const { status, stderr } = template({ ...values })
      assert.notEqual(status, 0)
      assert.match(stderr, message)
    })
  }
})

suite('in namespaced mode', { skip }, () => {
  const objects = skip ? [] : render({ watchNamespaces: ['team-a', 'team-b'], crds: { install: false } })

  test('nothing is cluster-wide', () => {
    assert.deepEqual(objects.filter(({ kind }) => CLUSTER_WIDE.includes(kind)).map(nameOf), [])
  })

  test('each namespace has a role, and the operator has one for its lease', () => {
    const roles = ofKind(objects, 'Role')
      .map(({ metadata }) => metadata.namespace)
      .sort()
    assert.deepEqual(roles, [NAMESPACE, 'team-a', 'team-b'])
  })
})

suite('the CRDs', { skip }, () => {
  test('are the same objects as in crds/ after Helm rendered them', async () => {
    const { crdFor } = await import('../../src/api/crd.ts')
    const { JOB_KINDS } = await import('../../src/contract/names.ts')
    const rendered = ofKind(render(), 'CustomResourceDefinition')
    const withoutUndefined = (spec: unknown) => JSON.parse(JSON.stringify(spec))
    assert.deepEqual(
      new Set(rendered.map(({ spec }) => JSON.stringify(sorted(spec)))),
      new Set(JOB_KINDS.map((kind) => JSON.stringify(sorted(withoutUndefined(crdFor(kind).spec))))),
    )
  })

  test('outlive the release unless crds.keep is false', () => {
    const policies = (values: object) =>
      ofKind(render({ ...values }), 'CustomResourceDefinition').map(
        ({ metadata }) => metadata.annotations?.['helm.sh/resource-policy'],
      )
    assert.deepEqual(policies({}), ['keep', 'keep'])
    assert.deepEqual(policies({ crds: { keep: false } }), [undefined, undefined])
  })
})

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, field]) => [key, sorted(field)]),
  )
}

suite('the notes after an install', { skip }, () => {
  test('explain how to check the operator and how to run a job', () => {
    for (const command of [
      /rollout status deployment\/downpour/,
      /kubectl explain pretrainjob\.spec/,
      /get pretrainjobs -w/,
    ]) {
      assert.match(notes({}), command)
    }
  })

  test('warn about commands that delete jobs', () => {
    assert.match(notes({}), /EVERY job/)
    assert.match(notes({ crds: { keep: false } }), /deletes every job/)
    assert.match(notes({ crds: { install: false } }), /install crds\/\*\.yaml first/)
  })
})
