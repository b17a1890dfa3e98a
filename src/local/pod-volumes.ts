/** Folders of this machine for the claims that pods mount. */
import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { ANNOTATIONS } from '../contract/names.ts'
import type { Stored } from './objects.ts'
import { containerOf } from './pod-process.ts'
import { resourceOfKind } from './resources.ts'
import type { ObjectStore } from './store.ts'

export const CLAIMS = resourceOfKind('PersistentVolumeClaim')

export class PodVolumes {
  readonly #store: ObjectStore
  readonly #stateDir: string

  constructor(store: ObjectStore, stateDir: string) {
    this.#store = store
    this.#stateDir = stateDir
  }

  missingClaim(pod: Stored): string | undefined {
    return claimsOf(pod).find(({ claimName }) => !this.#store.find(CLAIMS, pod.metadata.namespace, claimName))
      ?.claimName
  }

  async makeFolders(pod: Stored): Promise<void> {
    for (const { claimName } of claimsOf(pod)) await mkdir(this.#claimFolder(pod, claimName), { recursive: true })
  }

  /** A mount path, or a path under one → the folder that stands for it. */
  folderOf(pod: Stored, path: string): string | undefined {
    const { volumeMounts = [] } = containerOf(pod)
    const [mount] = volumeMounts
      .filter(({ mountPath }) => path === mountPath || path.startsWith(`${mountPath}/`))
      .sort((a, b) => b.mountPath.length - a.mountPath.length)
    const claim = mount && claimsOf(pod).find(({ volume }) => volume === mount.name)
    if (!mount || !claim) return undefined
    return join(this.#claimFolder(pod, claim.claimName), mount.subPath ?? '', path.slice(mount.mountPath.length))
  }

  /** An annotated path may be relative: to where `downpour run` was started. */
  #claimFolder({ metadata }: Stored, claimName: string): string {
    const namespace = metadata.namespace ?? ''
    const claim = this.#store.find(CLAIMS, namespace, claimName)
    const annotated = claim?.metadata.annotations?.[ANNOTATIONS.localPath]
    return resolve(annotated ?? join(this.#stateDir, 'volumes', namespace, claimName))
  }
}

function claimsOf(pod: Stored): { volume: string; claimName: string }[] {
  const volumes = (pod.spec?.volumes ?? []) as { name: string; persistentVolumeClaim?: { claimName: string } }[]
  return volumes.flatMap(({ name, persistentVolumeClaim: claim }) =>
    claim ? [{ volume: name, claimName: claim.claimName }] : [],
  )
}
