/** Additional volumes of a pod and their mounts. */
import { z } from 'zod'
import { MOUNTS } from '../contract/runtime.ts'
import { celPattern, checked } from './checks.ts'
import { keyedList } from './lists.ts'
import { dnsLabel } from './names.ts'

/** A free-form Kubernetes object, which keeps the CRD small. The API server checks it when the pod is created. */
export const kubernetesObject = z.record(z.string(), z.unknown())

/** Types of volumes that the Pod Security level restricted allows: none of the node, and network file systems only by claims. */
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
const OURS = 'downpour-'

/** Without serviceAccountToken: permission to create jobs must not give the rights of a service account. */
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

const Volume = checked(
  z.strictObject({
    name: dnsLabel(63),
    configMap: kubernetesObject.optional(),
    csi: kubernetesObject.optional(),
    downwardAPI: kubernetesObject.optional(),
    emptyDir: kubernetesObject.optional(),
    ephemeral: kubernetesObject.optional(),
    persistentVolumeClaim: kubernetesObject.optional(),
    projected: Projected.optional(),
    secret: kubernetesObject.optional(),
  }),
  {
    message: `must have exactly one of ${VOLUME_SOURCES.join(', ')}`,
    holds: (volume) => VOLUME_SOURCES.filter((source) => volume[source] !== undefined).length === 1,
    cel: `[${VOLUME_SOURCES.map((source) => `has(self.${source})`).join(', ')}].filter(x, x).size() == 1`,
  },
  {
    message: `must leave names that begin with ${OURS} to the operator`,
    holds: ({ name }) => !name.startsWith(OURS),
    cel: `!self.name.startsWith('${OURS}')`,
  },
)

/** Without `.`, `..`, colons and control characters, so that container runtimes mount the path as it is written. */
const STEP = String.raw`([^/:.\x00-\x1f]|\.[^/:.\x00-\x1f]|\.\.[^/:\x00-\x1f])[^/:\x00-\x1f]*`
const ABSOLUTE = new RegExp(`^(/${STEP})+$`)
const DESCENDING = new RegExp(`^${STEP}(/${STEP})*$`)
const OUR_FOLDER = MOUNTS.data.replace(/\/[^/]+$/, '')
const OUR_PATHS = new RegExp(`^(/tmp|${OUR_FOLDER}(/.*)?)$`)

const subPath = z.string().max(1024).regex(DESCENDING, 'a relative path without ".."').optional()

export const VolumeMount = checked(
  z.strictObject({
    name: dnsLabel(63),
    mountPath: z.string().max(1024).regex(ABSOLUTE, 'an absolute path without ".." and ":"'),
    readOnly: z.boolean().optional(),
    recursiveReadOnly: z.enum(['Disabled', 'IfPossible', 'Enabled']).optional(),
    subPath,
    subPathExpr: subPath,
    mountPropagation: z.enum(['None', 'HostToContainer']).optional(),
  }),
  {
    message: `must not be mounted over the operator's own: /tmp and ${OUR_FOLDER}`,
    holds: ({ mountPath }) => !OUR_PATHS.test(mountPath),
    cel: `!self.mountPath.matches(${celPattern(OUR_PATHS)})`,
  },
  {
    message: 'cannot have both subPath and subPathExpr',
    holds: (mount) => mount.subPath === undefined || mount.subPathExpr === undefined,
    cel: '!has(self.subPath) || !has(self.subPathExpr)',
  },
  {
    message: 'must be readOnly, without mountPropagation, when recursiveReadOnly is not Disabled',
    holds: ({ recursiveReadOnly = 'Disabled', readOnly, mountPropagation = 'None' }) =>
      recursiveReadOnly === 'Disabled' || (readOnly === true && mountPropagation === 'None'),
    cel: "!has(self.recursiveReadOnly) || self.recursiveReadOnly == 'Disabled' || (has(self.readOnly) && self.readOnly && (!has(self.mountPropagation) || self.mountPropagation == 'None'))",
  },
)

export const volumes = keyedList(Volume, 'name', 32)
export const volumeMounts = keyedList(VolumeMount, 'mountPath', 32)
