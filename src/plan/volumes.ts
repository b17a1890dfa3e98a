/** The claims that a pod mounts, and where: a claim with two uses is one volume with two mounts. */
import { type Job, wantedSource } from '../api/job.ts'
import type { Role } from '../contract/names.ts'
import { MOUNTS, type Mount } from '../contract/runtime.ts'
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
    ],
    mounts: [
      ...uses.map(({ purpose, claimName, readOnly }) => ({
        name: volumeName(claimName),
        mountPath: MOUNTS[purpose],
        readOnly,
      })),
      { name: 'downpour-tmp', mountPath: '/tmp' },
    ],
  }
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
