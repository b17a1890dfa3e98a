/** The programs that the test cluster is built from: module folder, Go package and target file of each. */
import { join } from 'node:path'
import { versionOf } from './modules.ts'
import { BIN } from './paths.ts'

export interface Binary {
  readonly name: string
  /** Folder under tools/cluster/modules. */
  readonly folder: string
  readonly package: string
  readonly version: string
  readonly file: string
  readonly ldflags: string
}

/** Version of the programs whose source is in this repository. */
const OWN_VERSION = '1'
const STRIPPED = '-s -w'

function binary(name: string, folder: string, module: string, path: string): Binary {
  return {
    name,
    folder,
    package: `${module}${path}`,
    version: versionOf(folder, module),
    file: join(BIN, name),
    ldflags: STRIPPED,
  }
}

export const etcd = (): Binary => binary('etcd', 'etcd', 'go.etcd.io/etcd/server/v3', '')
export const kwok = (): Binary => binary('kwok', 'kwok', 'sigs.k8s.io/kwok', '/cmd/kwok')
export function helm(): Binary {
  const base = binary('helm', 'helm', 'helm.sh/helm/v3', '/cmd/helm')
  return { ...base, ldflags: `${STRIPPED} ${helmFlags(base.version, versionOf('helm', 'k8s.io/client-go'))}` }
}
export const coredns = (): Binary => binary('coredns', 'coredns', 'github.com/coredns/coredns', '')
export const trainingOperator = (): Binary =>
  binary('training-operator', 'training-operator', 'github.com/kubeflow/training-operator', '/cmd/training-operator.v1')

/** Prometheus 3's. Its file has another name than Debian's promtool, so that a PATH with both finds the latter. */
export const promtool3 = (): Binary => ({
  ...binary('promtool', 'promtool', 'github.com/prometheus/prometheus', '/cmd/promtool'),
  file: join(BIN, 'promtool3'),
})

export const crictl = (): Binary => binary('crictl', 'crictl', 'sigs.k8s.io/cri-tools', '/cmd/crictl')
export function toolbox(): Binary {
  const name = 'toolbox'
  return { name, folder: name, package: '.', version: OWN_VERSION, file: join(BIN, name), ldflags: STRIPPED }
}

export type KubernetesProgram =
  | 'kube-apiserver'
  | 'kube-controller-manager'
  | 'kube-scheduler'
  | 'kube-proxy'
  | 'kubelet'
  | 'kubectl'

/** A program of Kubernetes itself. Each minor version has its own folder, so that several can be built side by side. */
export function kubernetes(name: KubernetesProgram, minor: string): Binary {
  const folder = `kubernetes-${minor}`
  const base = binary(name, folder, 'k8s.io/kubernetes', `/cmd/${name}`)
  return { ...base, file: join(BIN, folder, name), ldflags: `${STRIPPED} ${versionFlags(base.version)}` }
}

/** Flags that Helm's own build sets; without them `helm template` renders for Kubernetes 1.20. */
function helmFlags(version: string, clientGo: string): string {
  // client-go 0.34 belongs to Kubernetes 1.34.
  const [major, minor] = clientGo.split('.')
  const values = { k8sVersionMajor: Number(major) + 1, k8sVersionMinor: minor }
  const flags = ['pkg/chartutil', 'pkg/lint/rules'].flatMap((path) =>
    Object.entries(values).map(([key, value]) => `-X helm.sh/helm/v3/${path}.${key}=${value}`),
  )
  return [`-X helm.sh/helm/v3/internal/version.version=v${version}`, ...flags].join(' ')
}

/** Sets the release that a build from a module lacks; clients decide by the version that the API server reports. */
function versionFlags(version: string): string {
  const [major, minor] = version.split('.')
  const values = { gitVersion: `v${version}`, gitMajor: major, gitMinor: minor, gitTreeState: 'clean' }
  return ['k8s.io/component-base/version', 'k8s.io/client-go/pkg/version']
    .flatMap((path) => Object.entries(values).map(([key, value]) => `-X ${path}.${key}=${value}`))
    .join(' ')
}
