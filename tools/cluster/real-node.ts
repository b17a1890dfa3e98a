/** A node that really runs containers: containerd, kubelet, kube-proxy and CoreDNS as processes of this machine. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { DownpourError } from '../../src/support/errors.ts'
import { type Binary, coredns, crictl, kubernetes, toolbox } from './binaries.ts'
import { REAL_NODE } from './certificates.ts'
import { component, kubeconfigFor } from './control-plane.ts'
import { exec } from './exec.ts'
import { isReady, listNodes } from './fake-nodes.ts'
import type { Kubectl } from './kubectl.ts'
import { BRIDGE, BRIDGE_ADDRESS, GATEWAY_IP, POD_RANGE } from './network.ts'
import { ensureCniPlugins, ensureCommand } from './prerequisites.ts'
import { httpProbe } from './probes.ts'
import { type Component, logFile } from './processes.ts'
import * as files from './real-node-files.ts'
import { importImage } from './real-node-image.ts'
import { step } from './say.ts'
import type { ClusterState } from './state.ts'

const NODE_READY_MS = 60_000
const NODE_POLL_MS = 200

export function realNodeBinaries(minor: string): Binary[] {
  return [kubernetes('kubelet', minor), kubernetes('kube-proxy', minor), coredns(), crictl(), toolbox()]
}

/** @throws DownpourError NEEDS_ROOT */
export async function prepareRealNode(state: ClusterState, signal?: AbortSignal): Promise<void> {
  if (process.getuid?.() !== 0) {
    throw new DownpourError('NEEDS_ROOT', '--real-node runs containers: run it as root, or leave the option out')
  }
  for (const command of ['containerd', 'ctr', 'runc', 'iptables', 'conntrack', 'ip'] as const) {
    await ensureCommand(command, signal)
  }
  files.writeNodeFiles(state.ports, await ensureCniPlugins(signal))
  await ensureBridge(signal)
}

/** Starts the node's components in the order of their dependencies; the node is Ready when this resolves. */
export async function startRealNode(
  state: ClusterState,
  kubectl: Kubectl,
  ensure: (component: Component) => Promise<'running' | 'started'>,
  signal?: AbortSignal,
): Promise<void> {
  if ((await ensure(containerd())) === 'started') await importImage(signal)
  await ensure(dns(state))
  if ((await ensure(kubelet(state))) === 'started') {
    await step(`waiting for node ${REAL_NODE}`, () => untilReady(kubectl, signal))
  }
  // kube-proxy starts last: if it finds no node address, it waits half a minute before it retries.
  await ensure(proxy(state))
}

export const realNodeComponents = (state: ClusterState) => [containerd(), dns(state), kubelet(state), proxy(state)]

/** Creates the bridge before the first pod does, because the node's address is on it. */
async function ensureBridge(signal?: AbortSignal): Promise<void> {
  const links = JSON.parse(await exec('ip', ['-json', 'link', 'show', 'type', 'bridge'], { signal })) as Link[]
  if (links.some(({ ifname }) => ifname === BRIDGE)) return
  const length = POD_RANGE.split('/')[1]
  await exec('ip', ['link', 'add', BRIDGE, 'address', BRIDGE_ADDRESS, 'type', 'bridge'], { signal })
  await exec('ip', ['address', 'add', `${GATEWAY_IP}/${length}`, 'dev', BRIDGE], { signal })
  await exec('ip', ['link', 'set', BRIDGE, 'up'], { signal })
}

interface Link {
  ifname?: string
}

function containerd(): Component {
  const config = files.file('containerd.toml')
  const probe = async () => {
    await exec('ctr', ['--address', files.SOCKET, '--timeout', '2s', 'version'])
  }
  return {
    name: 'containerd',
    version: 'packaged',
    command: 'containerd',
    args: ['--config', config],
    build: readFileSync(config, 'utf8'),
    probe,
  }
}

function dns({ ports }: ClusterState): Component {
  const args = ['-conf', files.file('Corefile')]
  return component(coredns(), args, httpProbe(`http://127.0.0.1:${ports.dnsHealth}/health`))
}

function proxy({ minor, ports }: ClusterState): Component {
  const args = [
    `--kubeconfig=${kubeconfigFor('proxy')}`,
    `--hostname-override=${REAL_NODE}`,
    `--cluster-cidr=${POD_RANGE}`,
    '--proxy-mode=iptables',
    // Leaves the size of the machine's connection table as it is.
    '--conntrack-max-per-core=0',
    `--healthz-bind-address=127.0.0.1:${ports.proxyHealth}`,
    `--metrics-bind-address=127.0.0.1:${ports.proxyMetrics}`,
  ]
  return component(kubernetes('kube-proxy', minor), args, httpProbe(`http://127.0.0.1:${ports.proxyHealth}/livez`))
}

function kubelet({ minor, ports }: ClusterState): Component {
  const args = [
    `--config=${files.file('kubelet.json')}`,
    `--kubeconfig=${kubeconfigFor('kubelet')}`,
    `--root-dir=${files.KUBELET_ROOT}`,
    `--cert-dir=${join(files.NODE_STATE, 'kubelet-certificates')}`,
    `--hostname-override=${REAL_NODE}`,
    `--node-ip=${GATEWAY_IP}`,
    `--node-labels=${files.REAL_NODE_LABEL}`,
    // Steers pods without a node selector to fake nodes, where they "run" whatever their image is.
    `--register-with-taints=${files.REAL_NODE_LABEL}:PreferNoSchedule`,
  ]
  return component(kubernetes('kubelet', minor), args, httpProbe(`http://127.0.0.1:${ports.kubeletHealth}/healthz`))
}

async function untilReady(kubectl: Kubectl, signal?: AbortSignal): Promise<void> {
  const deadline = performance.now() + NODE_READY_MS
  while (!(await listNodes(kubectl)).some((node) => node.metadata.name === REAL_NODE && isReady(node))) {
    if (performance.now() > deadline) {
      throw new DownpourError('NODE_NOT_READY', `node ${REAL_NODE} is not Ready; its log is ${logFile('kubelet')}`)
    }
    await delay(NODE_POLL_MS, undefined, { signal })
  }
}
