/** Checks the local folders that claims name. A folder with data must exist; one for checkpoints is created when it is missing. */
import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { ANNOTATIONS } from '../../contract/names.ts'
import { errorCode, errorMessage } from '../../support/errors.ts'
import type { Manifest } from '../manifests.ts'
import { namespaceOf } from './server-side-apply.ts'

export interface Finding {
  code: string
  text: string
}

/** A mistyped path has to be an error: created as an empty folder, it would let the job wait for data or fail later. */
export async function claimFolderFindings(manifests: readonly Manifest[]): Promise<Finding[]> {
  const dataClaims = new Set(manifests.flatMap(dataClaimsOf))
  const claims = manifests.filter(({ object }) => object.kind === 'PersistentVolumeClaim')
  const findings = await Promise.all(claims.map((claim) => findingOf(claim, dataClaims)))
  return [...new Set(findings)].flatMap((text) => (text === undefined ? [] : [{ code: 'CLAIM_FOLDER_MISSING', text }]))
}

async function findingOf({ file, object }: Manifest, dataClaims: ReadonlySet<string>): Promise<string | undefined> {
  const { name, annotations = {} } = object.metadata
  const path = annotations[ANNOTATIONS.localPath]
  // Generated data exists before a job starts.
  if (path === undefined || annotations[ANNOTATIONS.localMake] !== undefined) return undefined
  const what = `${file}: PersistentVolumeClaim/${name}: annotation ${ANNOTATIONS.localPath}: ${JSON.stringify(path)}`
  if (path === '') return `${what}: expected the path of a folder`
  const state = await stateOf(path)
  if (state === 'folder' || (state === 'absent' && !dataClaims.has(`${namespaceOf(object)}/${name}`))) return undefined
  const problem = state === 'absent' ? 'there is no such folder, and a job reads data there' : state
  return `${what}: ${problem} (${resolve(path)}${path.startsWith('/') ? '' : `; the path is relative to ${process.cwd()}`})`
}

async function stateOf(path: string): Promise<string> {
  try {
    return (await stat(path)).isDirectory() ? 'folder' : 'it is not a folder'
  } catch (error) {
    return errorCode(error) === 'ENOENT' ? 'absent' : errorMessage(error)
  }
}

interface DataUser {
  from?: { volume?: { claimName?: string } }
  data?: { source?: { claimName?: string } }
  evaluation?: { data?: DataUser['data'] }
  transfers?: { template?: DataUser }[]
}

/** @returns NAMESPACE/NAME of the claims from which a job, and the FinetuneJobs that it creates, read data or a checkpoint */
function dataClaimsOf({ object }: Manifest): string[] {
  const { spec } = object as { spec?: DataUser }
  const users = spec ? [spec, ...(spec.transfers ?? []).flatMap(({ template }) => (template ? [template] : []))] : []
  return users
    .flatMap(({ data, evaluation, from }) => [data?.source, evaluation?.data?.source, from?.volume])
    .flatMap((place) => (place?.claimName ? [`${namespaceOf(object)}/${place.claimName}`] : []))
}
