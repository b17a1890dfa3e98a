/** The configuration files of the node that really runs containers. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sha256Of } from '../../src/support/digest.ts'
import { certificateFile, REAL_NODE } from './certificates.ts'
import { BRIDGE, CLUSTER_DOMAIN, GATEWAY_IP, POD_RANGE } from './network.ts'
import { CACHE, KUBECONFIG, STATE } from './paths.ts'
import type { Ports } from './state.ts'

export const IMAGE = 'downpour.dev/toolbox:1'
export const REAL_NODE_LABEL = 'downpour.dev/real-node=true'
export const NODE_STATE = join(STATE, REAL_NODE)
/** Short, because a Unix socket's path is limited to 107 bytes; contains a digest of the cluster's folder, because a machine may have several. */
export const NODE_RUN = join('/run', `downpour-${sha256Of(CACHE).slice(0, 8)}`)
export const SOCKET = join(NODE_RUN, 'containerd.sock')
export const RUNTIME_ENDPOINT = `unix://${SOCKET}`
export const CNI_CONFIG = join(NODE_STATE, 'cni')
export const CNI_ADDRESSES = join(NODE_STATE, 'addresses')
export const KUBELET_ROOT = join(NODE_STATE, 'kubelet')

export const file = (name: string) => join(NODE_STATE, name)

export function writeNodeFiles(ports: Ports, cniPlugins: string): void {
  for (const folder of [NODE_RUN, CNI_CONFIG, KUBELET_ROOT]) mkdirSync(folder, { recursive: true })
  writeFileSync(file('containerd.toml'), containerdConfig(cniPlugins))
  writeFileSync(join(CNI_CONFIG, '10-downpour.conflist'), JSON.stringify(cniConfig(), null, 2))
  writeFileSync(file('kubelet.json'), JSON.stringify(kubeletConfig(ports), null, 2))
  writeFileSync(file('Corefile'), corefile(ports))
}

function containerdConfig(cniPlugins: string): string {
  const cri = 'plugins."io.containerd.grpc.v1.cri"'
  return `version = 2
root = "${join(NODE_STATE, 'containerd')}"
state = "${join(NODE_RUN, 'containerd')}"
[grpc]
  address = "${SOCKET}"
[plugins."io.containerd.internal.v1.opt"]
  path = "${join(NODE_STATE, 'opt')}"
[${cri}]
  sandbox_image = "${IMAGE}"
  # Some containers and virtual machines may not lower oom_score_adj; without this, every sandbox would fail to start.
  restrict_oom_score_adj = true
  [${cri}.cni]
    bin_dir = "${cniPlugins}"
    conf_dir = "${CNI_CONFIG}"
  [${cri}.containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
`
}

function cniConfig() {
  const ipam = {
    type: 'host-local',
    dataDir: CNI_ADDRESSES,
    ranges: [[{ subnet: POD_RANGE, gateway: GATEWAY_IP }]],
    routes: [{ dst: '0.0.0.0/0' }],
  }
  const bridge = { type: 'bridge', bridge: BRIDGE, isGateway: true, ipMasq: true, hairpinMode: true, ipam }
  const portmap = { type: 'portmap', capabilities: { portMappings: true } }
  return { cniVersion: '0.4.0', name: 'downpour', plugins: [bridge, portmap] }
}

function kubeletConfig(ports: Ports) {
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    authentication: { anonymous: { enabled: false }, x509: { clientCAFile: certificateFile('ca') } },
    authorization: { mode: 'Webhook' },
    address: GATEWAY_IP,
    port: ports.kubelet,
    healthzPort: ports.kubeletHealth,
    containerRuntimeEndpoint: RUNTIME_ENDPOINT,
    cgroupDriver: 'cgroupfs',
    failCgroupV1: false,
    failSwapOn: false,
    clusterDNS: [GATEWAY_IP],
    clusterDomain: CLUSTER_DOMAIN,
    podLogsDir: join(NODE_RUN, 'pod-logs'),
    // A developer's disk may be nearly full, which must not evict a test's pods.
    evictionHard: { 'memory.available': '100Mi', 'nodefs.available': '0%', 'imagefs.available': '0%' },
    imageGCHighThresholdPercent: 100,
  }
}

/** CoreDNS runs as a process, not as a pod: it needs no image and answers before the first pod runs. */
function corefile(ports: Ports): string {
  return `.:53 {
  bind ${GATEWAY_IP}
  errors
  health 127.0.0.1:${ports.dnsHealth}
  kubernetes ${CLUSTER_DOMAIN} in-addr.arpa {
    kubeconfig ${KUBECONFIG}
    pods insecure
    fallthrough in-addr.arpa
    ttl 1
  }
}
`
}
