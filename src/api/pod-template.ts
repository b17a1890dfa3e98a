/** The fields of a pod that users need, and no more: a whole PodSpec would make the CRD too large to apply. */
import { z } from 'zod'
import { keyedList } from './lists.ts'

/** As Kubernetes writes quantities, without a sign: nobody asks for less than nothing. */
const QUANTITY = /^([0-9]+(\.[0-9]*)?|\.[0-9]+)(([KMGTPE]i)|[numkMGTPE]|([eE][+-]?[0-9]+))?$/

const quantity = z.union([z.string().max(64).regex(QUANTITY, 'a quantity such as 500m, "2" or 4Gi'), z.int().min(0)])
const quantityMap = z.record(z.string().max(317), quantity)
const stringMap = z.record(z.string().max(317), z.string().max(1024))
/** Free-form Kubernetes objects: the API server checks them when the pod is made, the CRD stays small. */
const kubernetesObject = z.record(z.string(), z.unknown())

/** Those of Pod Security level restricted: nothing of the node, no other network file system than a claim's. */
const VOLUME_SOURCES = [
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'persistentVolumeClaim',
  'projected',
  'secret',
] as const
const ONE_SOURCE = `must have exactly one of ${VOLUME_SOURCES.join(', ')}`
const ONE_SOURCE_CEL = `[${VOLUME_SOURCES.map((source) => `has(self.${source})`).join(', ')}].filter(x, x).size() == 1`

/** Without serviceAccountToken: the pods' own accounts give no rights to who may only make jobs. */
const Projected = z.strictObject({
  defaultMode: z.int().min(0).max(0o777).optional(),
  sources: z
    .array(
      z.strictObject({
        clusterTrustBundle: kubernetesObject.optional(),
        configMap: kubernetesObject.optional(),
        downwardAPI: kubernetesObject.optional(),
        secret: kubernetesObject.optional(),
      }),
    )
    .max(32)
    .optional(),
})

const Volume = z
  .strictObject({
    name: z.string().min(1).max(63),
    configMap: kubernetesObject.optional(),
    csi: kubernetesObject.optional(),
    downwardAPI: kubernetesObject.optional(),
    emptyDir: kubernetesObject.optional(),
    ephemeral: kubernetesObject.optional(),
    persistentVolumeClaim: kubernetesObject.optional(),
    projected: Projected.optional(),
    secret: kubernetesObject.optional(),
  })
  .refine((volume) => VOLUME_SOURCES.filter((source) => volume[source] !== undefined).length === 1, ONE_SOURCE)
  .meta({ 'x-kubernetes-validations': [{ rule: ONE_SOURCE_CEL, message: ONE_SOURCE }] })

const MAX_ID = 2 ** 31 - 1
const id = z.int().min(0).max(MAX_ID)

/** What a pod may choose without leaving level restricted. */
const SecurityContext = z.strictObject({
  runAsNonRoot: z.literal(true).optional(),
  runAsUser: z.int().min(1).max(MAX_ID).optional(),
  runAsGroup: id.optional(),
  fsGroup: id.optional(),
  fsGroupChangePolicy: z.enum(['Always', 'OnRootMismatch']).optional(),
  supplementalGroups: z.array(id).max(32).optional(),
  seccompProfile: z
    .strictObject({
      type: z.enum(['RuntimeDefault', 'Localhost']),
      localhostProfile: z.string().min(1).max(1024).optional(),
    })
    .optional(),
  seLinuxOptions: z
    .strictObject({
      type: z.enum(['container_t', 'container_init_t', 'container_kvm_t', 'container_engine_t']).optional(),
      level: z.string().max(256).optional(),
    })
    .optional(),
})

/** Older clusters take a profile from here, and so `unconfined`. */
const APP_ARMOR = 'container.apparmor.security.beta.kubernetes.io/'
const annotations = stringMap.refine(
  (map) => !Object.keys(map).some((key) => key.startsWith(APP_ARMOR)),
  'must not choose AppArmor profiles',
)

export const PodTemplate = z.strictObject({
  labels: stringMap.optional().describe("Added to the pods; the operator's own labels win."),
  annotations: annotations.optional().describe('Added to the pods.'),
  resources: z
    .strictObject({
      requests: quantityMap.optional().describe('What the scheduler sets aside.'),
      limits: quantityMap.optional().describe('What the container may use.'),
    })
    .optional()
    .describe('Requests and limits of the one container; GPUs under limits, such as nvidia.com/gpu: 1.'),
  nodeSelector: stringMap.optional().describe('Labels that a node must have.'),
  tolerations: z
    .array(kubernetesObject)
    .max(32)
    .optional()
    .describe('As in a PodSpec; nvidia.com/gpu is tolerated anyhow.'),
  affinity: kubernetesObject.optional().describe('As in a PodSpec.'),
  topologySpreadConstraints: z.array(kubernetesObject).max(8).optional().describe('As in a PodSpec.'),
  env: keyedList(z.looseObject({ name: z.string().min(1).max(253) }), 'name', 64)
    .optional()
    .describe('As in a Container; where the operator sets one too (DOWNPOUR_...), its own wins.'),
  volumes: keyedList(Volume, 'name', 32).optional().describe('Volumes besides those that data and checkpoints need.'),
  volumeMounts: keyedList(
    z.looseObject({ name: z.string().min(1).max(63), mountPath: z.string().min(1).max(1024) }),
    'mountPath',
    32,
  )
    .optional()
    .describe('Where those volumes appear, as in a Container.'),
  securityContext: SecurityContext.optional().describe(
    "Of the pod; merged over the operator's. Pods stay within Pod Security level restricted.",
  ),
  serviceAccountName: z
    .string()
    .max(253)
    .optional()
    .describe('For its image pull secrets, and policies that go by it; its token is not mounted.'),
  terminationGracePeriodSeconds: z
    .int()
    .min(0)
    .max(3600)
    .optional()
    .describe('From SIGTERM to SIGKILL; parameter servers save in it.'),
})
export type PodTemplate = z.output<typeof PodTemplate>
