/** Prints the components of the cluster with their health, and its nodes. */
import { kubernetes } from './binaries.ts'
import * as plane from './control-plane.ts'
import { gpusOf, isFake, isReady, listNodes } from './fake-nodes.ts'
import { ensureKubectl, kubectlAt } from './kubectl.ts'
import { KUBECONFIG } from './paths.ts'
import { type Component, pidOf } from './processes.ts'
import { realNodeComponents } from './real-node.ts'
import { type ClusterState, readState } from './state.ts'
import { trainingOperator } from './training-operator.ts'

/** @returns whether every component is healthy */
export async function status(write: (line: string) => void): Promise<boolean> {
  const state = readState()
  if (!state) {
    write('no cluster: start one with `npm run cluster -- up`')
    return false
  }
  write(`Kubernetes ${kubernetes('kube-apiserver', state.minor).version}, KUBECONFIG=${KUBECONFIG}`)
  const controlPlane = [plane.etcd, plane.apiServer, plane.controllerManager, plane.scheduler, plane.kwok]
  const components = [
    ...controlPlane.map((make) => make(state)),
    ...(state.realNode ? realNodeComponents(state) : []),
    ...(state.trainingOperator ? [trainingOperator(state)] : []),
  ]
  const healthy: boolean[] = []
  for (const component of components) healthy.push(await writeHealth(component, write))
  // Nodes can be listed only if the first two, etcd and the API server, are healthy.
  if (healthy[0] && healthy[1]) await writeNodes(state, write)
  return !healthy.includes(false)
}

async function writeHealth(component: Component, write: (line: string) => void) {
  const pid = pidOf(component.name)
  const health = pid ? await healthOf(component) : 'stopped'
  const columns = [component.name.padEnd(24), String(pid ?? '-').padEnd(8), component.version.padEnd(9)]
  write([...columns, health].join(' '))
  return health === 'healthy'
}

function healthOf(component: Component): Promise<string> {
  return component.probe().then(
    () => 'healthy',
    (error: Error) => `not healthy: ${error.message}`,
  )
}

async function writeNodes(state: ClusterState, write: (line: string) => void): Promise<void> {
  const nodes = await listNodes(kubectlAt(await ensureKubectl(state.minor)))
  const fake = nodes.filter(isFake)
  write(`${fake.filter(isReady).length} of ${fake.length} fake nodes Ready, ${state.gpusPerNode} GPUs each`)
  for (const node of nodes.filter((each) => !isFake(each))) {
    write(`node ${node.metadata.name} ${isReady(node) ? 'Ready' : 'not Ready'}, ${gpusOf(node)} GPUs`)
  }
}
