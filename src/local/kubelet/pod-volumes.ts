/** Folders of this machine for the claims that pods mount. */
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

  /** All of them, where a scheduler would name the first. */
  missingClaims(pod: Stored): string[] {
    const names = new Set(claimsOf(pod).map(({ claimName }) => claimName))
    return [...names].filter((name) => !this.#store.find(CLAIMS, pod.metadata.namespace, name))
  }

  /**
   * A folder of the user's that a pod only reads must be there: a mistyped path must not become an empty folder.
   * @throws DownpourError CLAIM_FOLDER_MISSING
   */
  async makeFolders(pod: Stored): Promise<void> {
    for (const { claimName, readOnly } of claimsOf(pod)) {
      const folder = this.#claimFolder(pod, claimName)
      if (!readOnly || this.#annotatedPath(pod, claimName) === undefined) await mkdir(folder, { recursive: true })
      else if (!existsSync(folder)) {
        const message = `persistentvolumeclaim "${claimName}": ${ANNOTATIONS.localPath} names ${folder}, and there is no such folder`
        throw new DownpourError('CLAIM_FOLDER_MISSING', message, { claimName, folder })
      }
    }
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
