/** The command line of each part of the control plane, in the order in which they start. */
import { join } from 'node:path'
import { type Binary, etcd as etcdBinary, type KubernetesProgram, kubernetes, kwok as kwokBinary } from './binaries.ts'
import { stampOf } from './build.ts'
import { certificateFile, keyFile, SERVICE_ACCOUNT_PUBLIC } from './certificates.ts'
import { writeKubeconfig } from './kubeconfig.ts'
import { FAKE_POD_RANGE, GATEWAY_IP, SERVICE_RANGE } from './network.ts'
import { KUBECONFIG, STATE } from './paths.ts'
import { apiServerProbe, httpProbe, selfSignedProbe } from './probes.ts'
import type { Component } from './processes.ts'
import type { ClusterState } from './state.ts'

export const FAKE_NODE_ANNOTATION = 'kwok.x-k8s.io/node'

const PROGRAMS: readonly KubernetesProgram[] = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler']

export function controlPlaneBinaries(minor: string): Binary[] {
  return [etcdBinary(), ...PROGRAMS.map((name) => kubernetes(name, minor)), kwokBinary()]
}

export function component(binary: Binary, args: readonly string[], probe: () => Promise<void>): Component {
  const { name, version, file: command } = binary
  return { name, version, command, args, build: stampOf(binary), probe }
}

export const kubeconfigFor = (identity: string) => join(STATE, `${identity}.kubeconfig`)

export function writeKubeconfigs(state: ClusterState): void {
  writeKubeconfig(KUBECONFIG, 'admin', state.ports.apiServer)
  for (const identity of ['controller-manager', 'scheduler', 'proxy', 'kubelet']) {
    writeKubeconfig(kubeconfigFor(identity), identity, state.ports.apiServer)
  }
}

export function etcd({ ports }: ClusterState): Component {
  const client = `http://127.0.0.1:${ports.etcd}`
  const peer = `http://127.0.0.1:${ports.etcdPeer}`
  const args = [
    `--data-dir=${join(STATE, 'etcd')}`,
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=default=${peer}`,
    '--log-level=warn',
    // Durable writes would only slow tests down: after a power loss the cluster is created again.
    '--unsafe-no-fsync',
  ]
  return component(etcdBinary(), args, httpProbe(`${client}/health`))
}

export function apiServer({ minor, ports, realNode }: ClusterState): Component {
  const args = [
    `--etcd-servers=http://127.0.0.1:${ports.etcd}`,
    `--secure-port=${ports.apiServer}`,
    // Pods on the real node connect to the address of their bridge; without a real node only this machine may connect.
    ...(realNode ? ['--bind-address=0.0.0.0', `--advertise-address=${GATEWAY_IP}`] : ['--bind-address=127.0.0.1']),
    `--service-cluster-ip-range=${SERVICE_RANGE}`,
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${SERVICE_ACCOUNT_PUBLIC}`,
    `--service-account-signing-key-file=${keyFile('service-account')}`,
    `--tls-cert-file=${certificateFile('apiserver')}`,
    `--tls-private-key-file=${keyFile('apiserver')}`,
    `--client-ca-file=${certificateFile('ca')}`,
    `--kubelet-client-certificate=${certificateFile('admin')}`,
    `--kubelet-client-key=${keyFile('admin')}`,
    '--kubelet-preferred-address-types=InternalIP',
    '--authorization-mode=Node,RBAC',
    '--enable-admission-plugins=NodeRestriction',
    '--allow-privileged=true',
  ]
  const probe = apiServerProbe(`https://127.0.0.1:${ports.apiServer}/readyz`)
  return component(kubernetes('kube-apiserver', minor), args, probe)
}

export function controllerManager({ minor, ports }: ClusterState): Component {
  const args = [
    `--kubeconfig=${kubeconfigFor('controller-manager')}`,
    '--bind-address=127.0.0.1',
    `--secure-port=${ports.controllerManager}`,
    '--leader-elect=false',
    '--use-service-account-credentials',
    `--service-account-private-key-file=${keyFile('service-account')}`,
    `--root-ca-file=${certificateFile('ca')}`,
  ]
  const probe = selfSignedProbe(`https://127.0.0.1:${ports.controllerManager}/healthz`)
  return component(kubernetes('kube-controller-manager', minor), args, probe)
}

export function scheduler({ minor, ports }: ClusterState): Component {
  const args = [
    `--kubeconfig=${kubeconfigFor('scheduler')}`,
    '--bind-address=127.0.0.1',
    `--secure-port=${ports.scheduler}`,
    '--leader-elect=false',
  ]
  const probe = selfSignedProbe(`https://127.0.0.1:${ports.scheduler}/healthz`)
  return component(kubernetes('kube-scheduler', minor), args, probe)
}

export function kwok({ ports }: ClusterState): Component {
  const args = [
    `--kubeconfig=${KUBECONFIG}`,
    '--manage-all-nodes=false',
    `--manage-nodes-with-annotation-selector=${FAKE_NODE_ANNOTATION}=fake`,
    `--cidr=${FAKE_POD_RANGE}`,
    `--server-address=127.0.0.1:${ports.kwok}`,
    // Reads stages from the API server, so that a test can add its own: failures, delays, exit codes.
    '--enable-crds=Stage',
    '--node-lease-duration-seconds=40',
    // At the default level it logs every lease of every node.
    '--v=WARN',
  ]
  return component(kwokBinary(), args, httpProbe(`http://127.0.0.1:${ports.kwok}/healthz`))
}
