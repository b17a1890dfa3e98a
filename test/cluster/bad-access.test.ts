/** An operator without access to what it needs on a real API server reports it at /readyz, waits, and works once it has access. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { ensureCluster } from '../../tools/cluster/ensure-cluster.ts'
import { type Kubectl, kubectlAt } from '../../tools/cluster/kubectl.ts'
import { eventually } from '../support/eventually.ts'
import { openApiProxy } from './api-proxy.ts'
import { untilCondition, untilRunning } from './conditions.ts'
import { type OperatorProcess, openNamespace, type TestNamespace } from './fixture.ts'

const FILES = ['crds/pretrainjobs.yaml', 'crds/finetunejobs.yaml']
const NAMES = ['pretrainjobs.downpour.dev', 'finetunejobs.downpour.dev']
/** Allows for the longest back-off of a list that has failed for some seconds. */
const READY = { timeoutMs: 40_000, intervalMs: 100 }

let kubectl: Kubectl
let namespace: TestNamespace
before(async () => {
  kubectl = kubectlAt((await ensureCluster()).kubectl)
  namespace = await openNamespace(`bad-access-${process.pid}`)
})
after(() => namespace.remove())

const start = (kubeconfig?: string) => namespace.startOperator(['--no-leader-elect'], kubeconfig)

/** Waits until /readyz matches `pattern`. @returns its text */
async function readiness(operator: OperatorProcess, pattern: RegExp): Promise<string> {
  let text = ''
  await eventually(async () => {
    text = await operator.get('/readyz')
    assert.match(text, pattern)
  }, READY)
  assert.equal(operator.child.exitCode, null, operator.output())
  return text.trim()
}

test('an API server that cannot be reached', async (t) => {
  const proxy = await openApiProxy(namespace.account.kubeconfig)
  try {
    proxy.down()
    const operator = start(proxy.kubeconfig)
    t.diagnostic(
      await readiness(operator, /first list of pods: GET .*\/pods: https:\/\/127\.0\.0\.1:\d+ did not answer: /),
    )
    assert.match(await operator.get('/healthz'), /^ok/)
    await namespace.createJob('early', 1)
    proxy.up()
    await readiness(operator, /^ok/)
    await untilRunning(namespace, 'early')
    proxy.down()
    t.diagnostic(await readiness(operator, /watch of pods: GET .*\/pods: https:\/\/127\.0\.0\.1:\d+ did not answer: /))
    proxy.up()
    await readiness(operator, /^ok/)
    await operator.kill('SIGKILL')
  } finally {
    await proxy.close()
  }
})

test('missing permissions: some at first, then all', async (t) => {
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
  const forbidden =
    /^False Forbidden: pods is forbidden: User "system:serviceaccount:.*" cannot create resource "pods" in API group "" in the namespace/
  t.diagnostic(await untilCondition(namespace, 'weak', 'Created', forbidden))
  await namespace.account.grant()
  await untilRunning(namespace, 'weak')
  await namespace.account.grant(() => false)
  await namespace.createJob('mute', 1)
  t.diagnostic(
    await readiness(
      operator,
      /status.*forbidden: User "system:serviceaccount:.*" cannot update resource "pretrainjobs\/status"/,
    ),
  )
  await namespace.account.grant()
  await untilRunning(namespace, 'mute')
  await readiness(operator, /^ok/)
  await operator.kill('SIGKILL')
})

test('CRDs that are missing, that have another version, and that are deleted while it runs', async (t) => {
  const missing =
    /first list of PretrainJob: .*404.*\(install the CustomResourceDefinitions of this version: crds\/ or the chart\)/
  try {
    await removeCrds()
    const operator = start()
    t.diagnostic(await readiness(operator, missing))
    await applyCrds((text) => text.replaceAll('v1alpha1', 'v1beta1'))
    t.diagnostic(await readiness(operator, missing))
    await removeCrds()
    await applyCrds((text) => text)
    await readiness(operator, /^ok/)
    await namespace.createJob('late', 1)
    await untilRunning(namespace, 'late')
    await removeCrds()
    t.diagnostic(await readiness(operator, /watch of PretrainJob: .*404/))
    await applyCrds((text) => text)
    await readiness(operator, /^ok/)
    await namespace.createJob('late', 1)
    await untilRunning(namespace, 'late')
  } finally {
    await applyCrds((text) => text)
  }
})

const removeCrds = () => kubectl(['delete', 'crd', ...NAMES, '--ignore-not-found', '--timeout=60s'])

async function applyCrds(change: (text: string) => string): Promise<void> {
  for (const file of FILES)
    await kubectl(['apply', '--server-side', '--force-conflicts', '-f', '-'], change(readFileSync(file, 'utf8')))
  await kubectl(['wait', 'crd', ...NAMES, '--for=condition=Established', '--timeout=30s'])
}
