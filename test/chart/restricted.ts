/** Checks a pod against Pod Security "restricted" and related rules of kube-linter, polaris and kubescape. */
import type { Container, PodSpec } from './chart.ts'

const VOLUMES = [
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'persistentVolumeClaim',
  'projected',
  'secret',
]
const HOST = ['hostNetwork', 'hostPID', 'hostIPC']
type Context = Record<string, unknown>

/** @returns a sentence for each violated rule */
export function restrictedProblems(pod: PodSpec): string[] {
  const containers = [...(pod.initContainers ?? []), ...pod.containers]
  return [
    ...HOST.filter((field) => pod[field]).map((field) => `${field} is set`),
    ...(pod.volumes ?? []).flatMap(volumeProblems),
    ...(pod.automountServiceAccountToken === false ? [] : ['the token is mounted automatically']),
    ...((pod.securityContext?.sysctls as unknown[] | undefined)?.length ? ['sysctls are set'] : []),
    ...containers.flatMap((container) => containerProblems(container, pod.securityContext ?? {})),
  ]
}

function volumeProblems({ name, ...source }: Record<string, unknown>): string[] {
  const kinds = Object.keys(source)
  const bad = kinds.filter((kind) => !VOLUMES.includes(kind)).map((kind) => `volume ${name} is a ${kind}`)
  const { emptyDir } = source as { emptyDir?: { sizeLimit?: string } }
  return emptyDir && !emptyDir.sizeLimit ? [...bad, `volume ${name} has no size limit`] : bad
}

function containerProblems(container: Container, ofPod: Context): string[] {
  const context: Context = { ...ofPod, ...container.securityContext }
  const { drop = [], add = [] } = (context.capabilities ?? {}) as { drop?: string[]; add?: string[] }
  const seccomp = (context.seccompProfile as { type?: string } | undefined)?.type
  const rules: [boolean, string][] = [
    [context.runAsNonRoot === true, 'may run as root'],
    [context.runAsUser !== 0, 'runs as root'],
    [seccomp === 'RuntimeDefault' || seccomp === 'Localhost', 'has no seccomp profile'],
    [context.allowPrivilegeEscalation === false, 'may gain privileges'],
    [context.privileged !== true, 'is privileged'],
    [context.readOnlyRootFilesystem === true, 'has a root file system that it can write to'],
    [drop.includes('ALL'), 'does not drop ALL capabilities'],
    [add.length === 0, `adds ${add}`],
    [context.procMount === undefined || context.procMount === 'Default', 'has another procMount'],
    [(container.ports ?? []).every(({ hostPort }) => hostPort === undefined), 'has a host port'],
    [
      [container.livenessProbe, container.readinessProbe].every((probe) => probe?.httpGet?.host === undefined),
      'probes a host',
    ],
  ]
  return rules.filter(([holds]) => !holds).map(([, problem]) => `container ${container.name} ${problem}`)
}
