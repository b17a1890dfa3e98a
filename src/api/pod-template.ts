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

export const PodTemplate = z.strictObject({
  labels: stringMap.optional().describe("Added to the pods; the operator's own labels win."),
  annotations: stringMap.optional(),
  resources: z
    .strictObject({ requests: quantityMap.optional(), limits: quantityMap.optional() })
    .optional()
    .describe('Requests and limits of the one container; GPUs under limits, such as nvidia.com/gpu: 1.'),
  nodeSelector: stringMap.optional(),
  tolerations: z.array(kubernetesObject).max(32).optional(),
  affinity: kubernetesObject.optional(),
  topologySpreadConstraints: z.array(kubernetesObject).max(8).optional(),
  env: keyedList(z.looseObject({ name: z.string().min(1).max(253) }), 'name', 64).optional(),
  volumes: keyedList(z.looseObject({ name: z.string().min(1).max(63) }), 'name', 32)
    .optional()
    .describe('Volumes besides those that data and checkpoints need.'),
  volumeMounts: keyedList(
    z.looseObject({ name: z.string().min(1).max(63), mountPath: z.string().min(1).max(1024) }),
    'mountPath',
    32,
  ).optional(),
  securityContext: kubernetesObject
    .optional()
    .describe("Of the pod; merged over the operator's, which meets Pod Security level restricted."),
  serviceAccountName: z.string().max(253).optional(),
  terminationGracePeriodSeconds: z.int().min(0).max(3600).optional(),
})
export type PodTemplate = z.output<typeof PodTemplate>
