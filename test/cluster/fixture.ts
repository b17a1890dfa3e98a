/** Runs operators as processes, and jobs in a new namespace, on the real API server with fake GPU nodes. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { prepareNamespace } from '../../bench/operator/prepare.ts'
import { API_VERSION, LABELS, PLURALS } from '../../src/contract/names.ts'
import { KubeClient } from '../../src/kube/client.ts'
import type { KubeObject } from '../../src/kube/objects.ts'
import { silentLog } from '../../src/support/log.ts'
import { ensureCluster } from '../../tools/cluster/ensure-cluster.ts'
import { kubectlAt } from '../../tools/cluster/kubectl.ts'
import { type Account, openAccount } from './account.ts'

export interface TestNamespace {
  readonly name: string
  readonly client: KubeClient
  /** ServiceAccount of its operators. */
  readonly account: Account
  /** Creates a PretrainJob with one parameter server. */
  createJob(name: string, workers: number, spec?: object): Promise<void>
  pods(): Promise<KubeObject[]>
  /** @param kubeconfig replaces the account's own, for example to connect through a proxy */
  startOperator(flags?: readonly string[], kubeconfig?: string): OperatorProcess
  /** Kills its operators and deletes the namespace with its jobs, pods and volumes. */
  remove(): Promise<void>
}

export interface OperatorProcess {
  readonly child: ChildProcess
  output(): string
  /** Returns the body of a GET of its HTTP server, such as `/readyz` or `/metrics`. */
  get(path: string): Promise<string>
  kill(signal: NodeJS.Signals): Promise<void>
}

/** @param watchedToo other namespaces, which must exist, for its operators to watch */
export async function openNamespace(name: string, watchedToo: readonly string[] = []): Promise<TestNamespace> {
  const cluster = await ensureCluster()
  const limits = { qps: 1e6, burst: 1e6 }
  const client = new KubeClient({ kubeConfig: cluster.kubeconfig, log: silentLog, limits })
  await prepareNamespace(client, kubectlAt(cluster.kubectl), name)
  const account = await openAccount(cluster, [name, ...watchedToo])
  const operators: OperatorProcess[] = []
  return {
    name,
    client,
    account,
    async createJob(job, workers, spec = {}) {
      const where = { apiVersion: API_VERSION, plural: PLURALS.PretrainJob, namespace: name }
      const metadata = { name: job, namespace: name }
      const merged = { ...SPEC, workers: { replicas: workers }, ...spec }
      await client.create(where, { apiVersion: API_VERSION, kind: 'PretrainJob', metadata, spec: merged } as KubeObject)
    },
    async pods() {
      const where = { apiVersion: 'v1', plural: 'pods', namespace: name }
      return (await client.list(where, { labelSelector: LABELS.jobUid })).items
    },
    startOperator(flags = [], kubeconfig = account.kubeconfig) {
      const operator = startOperator(['--kubeconfig', kubeconfig, ...account.flags, ...flags])
      operators.push(operator)
      return operator
    },
    async remove() {
      await Promise.all(operators.map((operator) => operator.kill('SIGKILL')))
      await account.remove()
      const ref = { apiVersion: 'v1', plural: 'namespaces', name }
      await client.delete(ref, { propagationPolicy: 'Background' })
      await client.delete({ apiVersion: 'v1', plural: 'persistentvolumes', name: `${name}-data` })
      await client.delete({ apiVersion: 'v1', plural: 'persistentvolumes', name: `${name}-checkpoints` })
      await client.close()
    },
  }
}

const SPEC = {
  preset: 'jft-resnet101',
  parameterServer: { replicas: 1 },
  data: { source: { claimName: 'data' }, format: 'tfrecord', labels: 'labels.json' },
  checkpoint: { storage: { volume: { claimName: 'checkpoints' } } },
}

export function startOperator(flags: readonly string[]): OperatorProcess {
  const args = ['bin/downpour', 'operator', '--http-port', '0', ...flags]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let printed = ''
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (printed += chunk))
  return {
    child,
    output: () => printed,
    async get(path) {
      const [, port] = /"httpPort":(\d+)/.exec(printed) ?? []
      return (await fetch(`http://127.0.0.1:${port}${path}`)).text()
    },
    async kill(signal) {
      if (child.exitCode !== null || child.signalCode !== null) return
      const exit = once(child, 'exit')
      child.kill(signal)
      await exit
    },
  }
}
