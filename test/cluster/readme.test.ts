/** The helm lines of "Watch it" in README.md, word by word: from a cluster with Prometheus and Grafana to the dashboards. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, suite, test } from 'node:test'
import { ensureCluster } from '../../tools/cluster/ensure-cluster.ts'
import { type Kubectl, kubectlAt } from '../../tools/cluster/kubectl.ts'
import type { Cluster } from '../../tools/cluster/up.ts'
import type { Rendered } from '../chart/chart.ts'
import { codeBlocks, section } from '../support/markdown.ts'
import { applyCrds, applyMonitoringCrds } from './crds.ts'
import { runShell } from './shell.ts'

/** Names of the README. */
const RELEASE = 'downpour'
const PROMETHEUS = 'monitoring'
const DASHBOARDS = ['fleet', 'job', 'operator']
const CRDS = ['pretrainjobs.downpour.dev', 'finetunejobs.downpour.dev']
const [LINES = ''] = codeBlocks(section(readFileSync('README.md', 'utf8'), 'Watch it'), 'sh')

suite('the README, on a cluster with kube-prometheus-stack', () => {
  let cluster: Cluster
  let kubectl: Kubectl
  let created: string[]
  const helm = (args: string) => runShell(cluster, `helm --namespace ${RELEASE} ${args}`)
  const namesOf = async (args: readonly string[]) =>
    (await kubectl([...args, '-o', 'name'])).split('\n').filter(Boolean)

  before(async () => {
    cluster = await ensureCluster()
    kubectl = kubectlAt(cluster.kubectl)
    assert.equal(await helm(`list --filter '^${RELEASE}$' --short`), '', 'the cluster has this release already')
    await applyMonitoringCrds(cluster)
    await applyCrds(cluster)
    await adoptCrds(kubectl)
    const present = await namesOf(['get', 'namespaces'])
    created = [RELEASE, PROMETHEUS].filter((name) => !present.includes(`namespace/${name}`))
    if (created.includes(PROMETHEUS)) await kubectl(['create', 'namespace', PROMETHEUS])
  })
  after(async () => {
    await helm(`uninstall ${RELEASE} --ignore-not-found`)
    for (const name of created) await kubectl(['delete', 'namespace', name, '--ignore-not-found', '--wait=false'])
  })

  test('its last line lists the dashboards', async () => {
    const wanted = DASHBOARDS.map((name) => `configmap/${RELEASE}-${name}`)
    assert.deepEqual(
      (await runShell(cluster, LINES)).split('\n').filter((line) => line.startsWith('configmap/')),
      wanted,
    )
  })

  test('the ConfigMaps hold the dashboards of deploy/monitoring, and the folder that Grafana shows them in', async () => {
    for (const name of DASHBOARDS) {
      const got = await kubectl(['get', 'configmap', `${RELEASE}-${name}`, '-n', PROMETHEUS, '-o', 'json'])
      const { data, metadata } = JSON.parse(got) as Rendered & { data: Record<string, string> }
      const plain = readFileSync(`deploy/monitoring/dashboards/${name}.json`, 'utf8')
      assert.deepEqual(JSON.parse(data[`downpour-${name}.json`] ?? ''), JSON.parse(plain))
      assert.equal(metadata.annotations?.grafana_folder, 'Downpour')
    }
  })

  test('monitors and rules have the label by which that Prometheus selects', async () => {
    const selected = await namesOf([
      'get',
      'servicemonitors,podmonitors,prometheusrules',
      '-A',
      '-l',
      `release=${PROMETHEUS}`,
    ])
    assert.deepEqual(selected, [
      `servicemonitor.monitoring.coreos.com/${RELEASE}`,
      `podmonitor.monitoring.coreos.com/${RELEASE}-jobs`,
      `prometheusrule.monitoring.coreos.com/${RELEASE}`,
    ])
  })

  test('the same lines upgrade a release, and keep its values', async () => {
    await helm(`upgrade ${RELEASE} charts/downpour --reset-then-reuse-values --set image.tag=own`)
    await runShell(cluster, LINES)
    assert.match(await helm(`get values ${RELEASE}`), /tag: own/)
  })
})

/** Other tests install the CRDs without Helm, which otherwise refuses to take them over. */
async function adoptCrds(kubectl: Kubectl): Promise<void> {
  const owner = [`meta.helm.sh/release-name=${RELEASE}`, `meta.helm.sh/release-namespace=${RELEASE}`]
  await kubectl(['annotate', '--overwrite', 'crd', ...CRDS, ...owner])
  await kubectl(['label', '--overwrite', 'crd', ...CRDS, 'app.kubernetes.io/managed-by=Helm'])
}
