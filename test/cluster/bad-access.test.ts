/** An operator that does not get what it needs from a real API server says what, waits, and works once it gets it. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { ensureCluster } from '../../tools/cluster/ensure-cluster.ts'
import { type Kubectl, kubectlAt } from '../../tools/cluster/kubectl.ts'
import { eventually } from '../support/eventually.ts'
import { type OperatorProcess, openNamespace, type TestNamespace } from './fixture.ts'
import { openLine } from './line.ts'
import { recovers, says } from './verdicts.ts'

const FILES = ['crds/pretrainjobs.yaml', 'crds/finetunejobs.yaml']
const NAMES = ['pretrainjobs.downpour.dev', 'finetunejobs.downpour.dev']
/** A watch goes on with what it has: the longest back-off of a list that failed for seconds. */
const READY = { timeoutMs: 40_000, intervalMs: 100 }

let kubectl: Kubectl
let namespace: TestNamespace
before(async () => {
  kubectl = kubectlAt((await ensureCluster()).kubectl)
  namespace = await openNamespace(`bad-access-${process.pid}`)
})
after(() => namespace.remove())

const start = (kubeconfig?: string) => namespace.startOperator(['--no-leader-elect'], kubeconfig)

async function readiness(operator: OperatorProcess, words: RegExp, options = READY): Promise<string> {
  let said = ''
  await eventually(async () => {
    said = await operator.ask('/readyz')
    assert.match(said, words)
  }, options)
  assert.equal(operator.child.exitCode, null, operator.output())
  return said.trim()
}

test('an API server that cannot be reached', async (t) => {
  const line = await openLine(namespace.account.kubeconfig)
  try {
    line.down()
    const operator = start(line.kubeconfig)
    t.diagnostic(
      await readiness(operator, /first list of pods: GET .*\/pods: https:\/\/127\.0\.0\.1:\d+ did not answer: /),
    )
    assert.match(await operator.ask('/healthz'), /^ok/)
    await namespace.createJob('early', 1)
    line.up()
    await readiness(operator, /^ok/)
    await recovers(namespace, 'early')
    line.down()
    t.diagnostic(await readiness(operator, /watch of pods: GET .*\/pods: https:\/\/127\.0\.0\.1:\d+ did not answer: /))
    line.up()
    await readiness(operator, /^ok/)
    await operator.kill('SIGKILL')
  } finally {
    await line.close()
  }
})

test('verbs that are forbidden: some from the start, then all', async (t) => {
  await namespace.account.grant(
    (verb, resource) => !(resource === 'services' && verb === 'list') && !(resource === 'pods' && verb === 'create'),
  )
  const operator = start()
  t.diagnostic(
    await readiness(
      operator,
      /first list of services: .*services is forbidden: User "system:serviceaccount:.*" cannot list .*\(grant it to/,
    ),
  )
  await namespace.account.grant((verb, resource) => !(resource === 'pods' && verb === 'create'))
  await readiness(operator, /^ok/)
  await namespace.createJob('weak', 1)
  const words =
    /^False Forbidden: pods is forbidden: User "system:serviceaccount:.*" cannot create resource "pods" in API group "" in the namespace/
  t.diagnostic(await says(namespace, 'weak', 'Created', words))
  await namespace.account.grant()
  await recovers(namespace, 'weak')
  await namespace.account.grant(() => false)
  await namespace.createJob('mute', 1)
  t.diagnostic(
    await readiness(
      operator,
      /status.*forbidden: User "system:serviceaccount:.*" cannot update resource "pretrainjobs\/status"/,
    ),
  )
  await namespace.account.grant()
  await recovers(namespace, 'mute')
  await readiness(operator, /^ok/)
  await operator.kill('SIGKILL')
})

test('kinds that are missing, of another version, and taken away while it runs', async (t) => {
  const missing =
    /first list of PretrainJob: .*404.*\(install the CustomResourceDefinitions of this version: crds\/ or the chart\)/
  try {
    await removeKinds()
    const operator = start()
    t.diagnostic(await readiness(operator, missing))
    await applyKinds((text) => text.replaceAll('v1alpha1', 'v1beta1'))
    t.diagnostic(await readiness(operator, missing))
    await removeKinds()
    await applyKinds((text) => text)
    await readiness(operator, /^ok/)
    await namespace.createJob('late', 1)
    await recovers(namespace, 'late')
    await removeKinds()
    t.diagnostic(await readiness(operator, /watch of PretrainJob: .*404/))
    await applyKinds((text) => text)
    await readiness(operator, /^ok/)
    await namespace.createJob('late', 1)
    await recovers(namespace, 'late')
  } finally {
    await applyKinds((text) => text)
  }
})

const removeKinds = () => kubectl(['delete', 'crd', ...NAMES, '--ignore-not-found', '--timeout=60s'])

async function applyKinds(change: (text: string) => string): Promise<void> {
  for (const file of FILES)
    await kubectl(['apply', '--server-side', '--force-conflicts', '-f', '-'], change(readFileSync(file, 'utf8')))
  await kubectl(['wait', 'crd', ...NAMES, '--for=condition=Established', '--timeout=30s'])
}
