/** Values that users set, by a description of each case. */
import type { Values } from './chart.ts'

const everywhere = { labels: { team: 'a' }, annotations: { note: 'b' } }

export const MATRIX: Readonly<Record<string, Values>> = {
  'the defaults': {},
  'a standby replica': { replicas: 2 },
  'images by digest from a private registry': {
    image: { repository: 'registry.example.com:5000/downpour/operator', digest: `sha256:${'a'.repeat(64)}` },
    runtime: { image: { repository: 'registry.example.com:5000/downpour/runtime', tag: '0.1.0-tensorflow-gpu' } },
    imagePullSecrets: [{ name: 'pull' }],
  },
  'null instead of each list and map': {
    watchNamespaces: null,
    tolerations: null,
    affinity: null,
    commonLabels: null,
    commonAnnotations: null,
    podLabels: null,
    nodeSelector: null,
    crds: { annotations: null },
    serviceAccount: { annotations: null, labels: null },
    metrics: { service: { labels: null } },
    podAnnotations: null,
    extraArgs: null,
    imagePullSecrets: null,
  },
  'two namespaces only': { watchNamespaces: ['team-a', 'team-b'], crds: { install: false } },
  'no lease': { leaderElection: { enabled: false } },
  'everything that is off by default': {
    replicas: 3,
    networkPolicy: {
      enabled: true,
      metricsFrom: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } } }],
      apiServer: { cidrs: ['10.0.0.1/32'], ports: [6443] },
    },
    metrics: {
      serviceMonitor: {
        enabled: true,
        labels: { release: 'prometheus' },
        relabelings: [{ action: 'labeldrop', regex: 'pod' }],
      },
      podMonitor: {
        enabled: true,
        metricRelabelings: [{ action: 'drop', sourceLabels: ['__name__'], regex: 'nodejs_.*' }],
      },
    },
    crds: { keep: false, annotations: { note: 'b' } },
  },
  'everything that can be off': {
    crds: { install: false },
    rbac: { create: false },
    serviceAccount: { create: false, name: 'own' },
    metrics: { service: { enabled: false } },
    podDisruptionBudget: { enabled: false },
  },
  'users that the cluster assigns': { podSecurityContext: { runAsUser: null, runAsGroup: null, fsGroup: null } },
  'its own name, labels, node and environment': {
    fullnameOverride: 'training-operator-of-the-vision-team-in-the-far-north-west',
    commonLabels: everywhere.labels,
    commonAnnotations: everywhere.annotations,
    deploymentAnnotations: everywhere.annotations,
    podLabels: everywhere.labels,
    podAnnotations: everywhere.annotations,
    serviceAccount: everywhere,
    priorityClassName: 'system-cluster-critical',
    nodeSelector: { 'kubernetes.io/arch': 'amd64' },
    tolerations: [{ key: 'dedicated', operator: 'Exists', effect: 'NoSchedule' }],
    affinity: {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [{ matchExpressions: [{ key: 'gpu', operator: 'DoesNotExist' }] }],
        },
      },
    },
    topologySpreadConstraints: [
      { maxSkew: 1, topologyKey: 'topology.kubernetes.io/zone', whenUnsatisfiable: 'ScheduleAnyway' },
    ],
    extraArgs: ['--http-host=0.0.0.0'],
    extraEnv: [{ name: 'HTTPS_PROXY', value: 'http://proxy:3128' }],
    extraVolumes: [{ name: 'ca', configMap: { name: 'ca' } }],
    extraVolumeMounts: [{ name: 'ca', mountPath: '/etc/ca', readOnly: true }],
  },
}
