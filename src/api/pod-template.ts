/** The fields of a pod that jobs can set. A complete PodSpec would make the CRD too large to apply. */
import { z } from 'zod'
import { MAX_INT } from '../contract/training.ts'
import { checked } from './checks.ts'
import { dnsSubdomain } from './names.ts'
import { environment } from './pod-environment.ts'
import { nodeSelector, podAnnotations, podLabels } from './pod-labels.ts'
import { Resources } from './pod-resources.ts'
import { Toleration } from './pod-tolerations.ts'
import { kubernetesObject, volumeMounts, volumes } from './pod-volumes.ts'

const id = z.int().min(0).max(MAX_INT)

const STEP = String.raw`([^/.]|\.[^/.]|\.\.[^/])[^/]*`
const PROFILE = new RegExp(`^${STEP}(/${STEP})*$`)

/** Settings that the Pod Security level restricted allows. */
const SecurityContext = z.strictObject({
  runAsNonRoot: z.literal(true).optional(),
  runAsUser: z.int().min(1).max(MAX_INT).optional(),
  runAsGroup: id.optional(),
  fsGroup: id.optional(),
  fsGroupChangePolicy: z.enum(['Always', 'OnRootMismatch']).optional(),
  supplementalGroups: z.array(id).max(32).optional(),
  seccompProfile: checked(
    z.strictObject({
      type: z.enum(['RuntimeDefault', 'Localhost']),
      localhostProfile: z.string().max(1024).regex(PROFILE, 'a relative path without ".."').optional(),
    }),
    {
      message: 'must have a localhostProfile exactly when type is Localhost',
      holds: ({ type, localhostProfile }) => (type === 'Localhost') === (localhostProfile !== undefined),
      cel: "(self.type == 'Localhost') == has(self.localhostProfile)",
    },
  ).optional(),
  seLinuxOptions: z
    .strictObject({
      type: z.enum(['container_t', 'container_init_t', 'container_kvm_t', 'container_engine_t']).optional(),
      level: z.string().max(256).optional(),
    })
    .optional(),
})

const fields = z.strictObject({
  labels: podLabels.optional().describe('Added to the pods.'),
  annotations: podAnnotations.optional().describe('Added to the pods.'),
  resources: Resources.optional().describe(
    'Requests and limits of the container; GPUs under limits, such as nvidia.com/gpu: 1.',
  ),
  nodeSelector: nodeSelector.optional().describe('Labels that a node must have.'),
  tolerations: z
    .array(Toleration)
    .max(32)
    .optional()
    .describe('As in a PodSpec. The operator adds a toleration for the devices that the pod requests.'),
  affinity: kubernetesObject.optional().describe('As in a PodSpec.'),
  topologySpreadConstraints: z.array(kubernetesObject).max(8).optional().describe('As in a PodSpec.'),
  env: environment.optional().describe('As in a Container. Names that begin with DOWNPOUR_ are reserved.'),
  volumes: volumes.optional().describe('Volumes in addition to those of data and checkpoints.'),
  volumeMounts: volumeMounts.optional().describe('As in a Container.'),
  securityContext: SecurityContext.optional().describe(
    "Of the pod; merged over the operator's. Pods stay within Pod Security level restricted.",
  ),
  serviceAccountName: dnsSubdomain
    .optional()
    .describe('For its image pull secrets and for policies. Its token is not mounted.'),
  terminationGracePeriodSeconds: z
    .int()
    .min(0)
    .max(3600)
    .optional()
    .describe('Seconds from SIGTERM to SIGKILL, in which parameter servers save a checkpoint.'),
})

export const PodTemplate = checked(fields, {
  message: 'must list under volumes every volume that volumeMounts name',
  holds: ({ volumes: listed = [], volumeMounts: mounts = [] }) =>
    mounts.every((mount) => listed.some(({ name }) => name === mount.name)),
  cel: '!has(self.volumeMounts) || self.volumeMounts.all(mount, has(self.volumes) && self.volumes.exists(volume, volume.name == mount.name))',
})
export type PodTemplate = z.output<typeof PodTemplate>
