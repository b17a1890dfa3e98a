/** The claims that a pod mounts, and where: a claim with two uses is one volume with two mounts. */
import { type Job, wantedSource } from '../api/job.ts'
import type { Role } from '../contract/names.ts'
import { MOUNTS, type Mount, SHARED_MEMORY } from '../contract/runtime.ts'
import { perPodOf } from './replicas.ts'
import type { Volume, VolumeMount } from './types.ts'

interface Use {
  purpose: Mount
  claimName: string
  readOnly: boolean
}

const TEMPORARY_BYTES = '256Mi'

export function mountsOf(job: Job, role: Role): { volumes: Volume[]; mounts: VolumeMount[] } {
  const uses = usesOf(job, role)
  const claims = [...new Set(uses.map((use) => use.claimName))]
  const volumeName = (claimName: string) => `downpour-claim-${claims.indexOf(claimName)}`
  const shared = sharedMemory(job, role)
  return {
    volumes: [
      ...claims.map((claimName) => ({
        name: volumeName(claimName),
        persistentVolumeClaim: {
          claimName,
          readOnly: uses.every((use) => use.claimName !== claimName || use.readOnly),
        },
      })),
      { name: 'downpour-tmp', emptyDir: { sizeLimit: TEMPORARY_BYTES } },
      ...shared.volumes,
    ],
    mounts: [
      ...uses.map(({ purpose, claimName, readOnly }) => ({
        name: volumeName(claimName),
        mountPath: MOUNTS[purpose],
        readOnly,
      })),
      { name: 'downpour-tmp', mountPath: '/tmp' },
      ...shared.mounts,
    ],
  }
}

/** That of a container has 64 MiB, less than the weights of a large model. What is in it counts as memory of the pod. */
function sharedMemory(job: Job, role: Role): { volumes: Volume[]; mounts: VolumeMount[] } {
  const { volumeMounts = [] } = job.spec.workers.template ?? {}
  const isTheirs = volumeMounts.some(({ mountPath }) => mountPath === SHARED_MEMORY)
  if (role !== 'worker' || perPodOf(job) === 1 || isTheirs) return { volumes: [], mounts: [] }
  const name = 'downpour-shared'
  return { volumes: [{ name, emptyDir: { medium: 'Memory' } }], mounts: [{ name, mountPath: SHARED_MEMORY }] }
}

function usesOf(job: Job, role: Role): Use[] {
  const { data, evaluation, checkpoint } = job.spec
  const sourceClaim = sourceClaimOf(job)
  const saved: Use = {
    purpose: 'checkpoint',
    claimName: checkpoint.storage.volume.claimName,
    readOnly: false,
  }
  switch (role) {
    case 'worker':
      return [{ purpose: 'data', claimName: data.source.claimName, readOnly: true }]
    case 'ps':
      return [saved, ...(sourceClaim ? [{ purpose: 'source', claimName: sourceClaim, readOnly: true } as const] : [])]
    case 'evaluator':
      return evaluation
        ? [
            saved,
            {
              purpose: 'evaluation',
              claimName: evaluation.data.source.claimName,
              readOnly: true,
            },
          ]
        : [saved]
  }
}

/** The claim of the checkpoint that the job starts from. */
function sourceClaimOf(job: Job): string | undefined {
  const wanted = wantedSource(job)
  return wanted?.type === 'volume' ? wanted.claimName : wanted && job.status?.source?.claimName
}
