/** Maps the claims that pods mount to folders of this machine. */
import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { ANNOTATIONS } from '../../contract/names.ts'
import { DownpourError } from '../../support/errors.ts'
import type { Stored } from '../store/objects.ts'
import { resourceOfKind } from '../store/resources.ts'
import type { ObjectStore } from '../store/store.ts'
import { containerOf } from './container.ts'

export const CLAIMS = resourceOfKind('PersistentVolumeClaim')

export class PodVolumes {
  readonly #store: ObjectStore
  readonly #stateDir: string

  constructor(store: ObjectStore, stateDir: string) {
    this.#store = store
    this.#stateDir = stateDir
  }

  /** Names all missing claims; a real scheduler names the first only. */
  missingClaims(pod: Stored): string[] {
    const names = new Set(claimsOf(pod).map(({ claimName }) => claimName))
    return [...names].filter((name) => !this.#store.find(CLAIMS, pod.metadata.namespace, name))
  }

  /**
   * Does not create an annotated folder that a pod only reads: a mistyped path would become an empty data set.
   * @throws DownpourError CLAIM_FOLDER_MISSING
   */
  async makeFolders(pod: Stored): Promise<void> {
    for (const { claimName, readOnly } of claimsOf(pod)) {
      const folder = this.#claimFolder(pod, claimName)
      if (!readOnly || this.#annotatedPath(pod, claimName) === undefined) await mkdir(folder, { recursive: true })
      else if (!existsSync(folder)) {
        const message = `persistentvolumeclaim "${claimName}": ${ANNOTATIONS.localPath} names ${folder}, which does not exist`
        throw new DownpourError('CLAIM_FOLDER_MISSING', message, { claimName, folder })
      }
    }
  }

  /** Maps a mount path, or a path below one, to the folder on this machine. */
  folderOf(pod: Stored, path: string): string | undefined {
    const { volumeMounts = [] } = containerOf(pod)
    const [mount] = volumeMounts
      .filter(({ mountPath }) => path === mountPath || path.startsWith(`${mountPath}/`))
      .sort((a, b) => b.mountPath.length - a.mountPath.length)
    const claim = mount && claimsOf(pod).find(({ volume }) => volume === mount.name)
    if (!mount || !claim) return undefined
    return join(this.#claimFolder(pod, claim.claimName), mount.subPath ?? '', path.slice(mount.mountPath.length))
  }

  /** A relative annotated path is relative to the working folder of `downpour run`. */
  #claimFolder(pod: Stored, claimName: string): string {
    const namespace = pod.metadata.namespace ?? ''
    return resolve(this.#annotatedPath(pod, claimName) ?? join(this.#stateDir, 'volumes', namespace, claimName))
  }

  #annotatedPath({ metadata }: Stored, claimName: string): string | undefined {
    const claim = this.#store.find(CLAIMS, metadata.namespace ?? '', claimName)
    return claim?.metadata.annotations?.[ANNOTATIONS.localPath]
  }
}

interface ClaimUse {
  volume: string
  claimName: string
  readOnly: boolean
}

function claimsOf(pod: Stored): ClaimUse[] {
  const volumes = (pod.spec?.volumes ?? []) as {
    name: string
    persistentVolumeClaim?: { claimName: string; readOnly?: boolean }
  }[]
  return volumes.flatMap(({ name, persistentVolumeClaim: claim }) =>
    claim ? [{ volume: name, claimName: claim.claimName, readOnly: claim.readOnly ?? false }] : [],
  )
}
