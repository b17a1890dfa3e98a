/**
 * The ServiceAccount of the operator under test, with exactly the rights that the chart grants: a Role in each of its
 * namespaces or, with DOWNPOUR_TEST_SCOPE=cluster, one ClusterRole.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { exec } from '../../tools/cluster/exec.ts'
import { kubectlAt } from '../../tools/cluster/kubectl.ts'
import type { Cluster } from '../../tools/cluster/up.ts'
import { CHART } from '../../tools/helm.ts'
import { type PolicyRule, parseManifests, type Rendered } from '../chart/chart.ts'

export interface Account {
  readonly kubeconfig: string
  /** Operator flags that limit its requests to the namespaces of these rights. */
  readonly flags: readonly string[]
  /** Replaces its rights by those of the chart for which `isGranted` returns true. */
  grant(isGranted?: (verb: string, resource: string) => boolean): Promise<void>
  remove(): Promise<void>
}

const SCOPES = ['namespace', 'cluster'] as const
const RELEASE = 'test'

/** @param namespaces the first one holds the account and its lease */
export async function openAccount(cluster: Cluster, namespaces: readonly string[]): Promise<Account> {
  const kubectl = kubectlAt(cluster.kubectl)
  const [ownNamespace = ''] = namespaces
  const watched = scope() === 'namespace' ? namespaces : []
  const objects = await render(cluster, ownNamespace, watched)
  const name = objects.find(({ kind }) => kind === 'ServiceAccount')?.metadata.name
  assert.ok(name, 'the chart has no ServiceAccount')
  const apply = (items: readonly Rendered[]) =>
    kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }))
  await apply(objects)
  const folder = mkdtempSync(join(tmpdir(), 'downpour-account-'))
  const kubeconfig = await kubeconfigOf(cluster, ownNamespace, name, folder)
  return {
    kubeconfig,
    flags: [
      '--lease-namespace',
      ownNamespace,
      '--lease-name',
      name,
      ...watched.flatMap((each) => ['--namespace', each]),
    ],
    async grant(isGranted = () => true) {
      await apply(objects.filter(isOperatorRole).map((role) => ({ ...role, rules: limited(role.rules, isGranted) })))
    },
    async remove() {
      rmSync(folder, { recursive: true })
      const clusterWide = objects.filter(({ kind }) => kind.startsWith('ClusterRole'))
      for (const { kind, metadata } of clusterWide) await kubectl(['delete', kind, metadata.name])
    },
  }
}

/** Writes a copy of the cluster's kubeconfig that authenticates as a ServiceAccount. @returns its path in `folder` */
export async function kubeconfigOf(
  cluster: Cluster,
  namespace: string,
  serviceAccount: string,
  folder: string,
): Promise<string> {
  const token = (await kubectlAt(cluster.kubectl)(['create', 'token', serviceAccount, '-n', namespace])).trim()
  const config = JSON.parse(readFileSync(cluster.kubeconfig, 'utf8')) as { users: { name: string; user: object }[] }
  const users = config.users.map(({ name }) => ({ name, user: { token } }))
  const file = join(folder, 'kubeconfig')
  writeFileSync(file, JSON.stringify({ ...config, users }), { mode: 0o600 })
  return file
}

function scope(): (typeof SCOPES)[number] {
  const { DOWNPOUR_TEST_SCOPE: wanted = 'namespace' } = process.env
  const found = SCOPES.find((one) => one === wanted)
  assert.ok(found, `expected DOWNPOUR_TEST_SCOPE to be one of ${SCOPES.join(', ')}; got \`${wanted}\``)
  return found
}

async function render({ helm }: Cluster, namespace: string, watchNamespaces: readonly string[]): Promise<Rendered[]> {
  const files = ['serviceaccount', 'rbac'].flatMap((file) => ['--show-only', `templates/${file}.yaml`])
  const values = ['--set-json', `watchNamespaces=${JSON.stringify(watchNamespaces)}`]
  return parseManifests(await exec(helm, ['template', RELEASE, CHART, '--namespace', namespace, ...files, ...values]))
}

const isOperatorRole = ({ kind, metadata }: Rendered) => kind.endsWith('Role') && !metadata.name.endsWith('-lease')

function limited(
  rules: readonly PolicyRule[] = [],
  isGranted: (verb: string, resource: string) => boolean,
): PolicyRule[] {
  return rules.flatMap(({ resources, verbs, ...rest }) =>
    resources.flatMap((resource) => {
      const left = verbs.filter((verb) => isGranted(verb, resource))
      return left.length > 0 ? [{ ...rest, resources: [resource], verbs: left }] : []
    }),
  )
}
