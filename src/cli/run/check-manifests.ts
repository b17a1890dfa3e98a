/** Checks the files of a run before anything is started, and reports all errors at once. */
import { isDeepStrictEqual } from 'node:util'
import { issueText, labelOf, validateJob } from '../../api/parse.ts'
import { warningLines } from '../../api/warnings.ts'
import { PLURALS } from '../../contract/names.ts'
import { DownpourError } from '../../support/errors.ts'
import type { Manifest } from '../manifests.ts'
import { claimFolderFindings, type Finding } from './claim-folders.ts'
import { namespaceOf, PLURAL_OF } from './server-side-apply.ts'

const MAX_FINDINGS = 200

/**
 * @throws DownpourError KIND_UNKNOWN, NAME_GENERATED, OBJECT_TWICE, INVALID_JOB, NO_JOB, CLAIM_FOLDER_MISSING: the code of
 * the first finding, with one line for each
 */
export async function checkManifests(manifests: readonly Manifest[]): Promise<void> {
  refuseFindings([
    ...manifests.flatMap(kindFindings),
    ...manifests.flatMap(nameFindings),
    ...duplicateFindings(manifests),
    ...manifests.flatMap(jobFindings),
    ...noJobFindings(manifests),
    ...(await claimFolderFindings(manifests)),
  ])
}

/** Of files whose jobs are not run: other objects and claims are not looked at. @throws DownpourError INVALID_JOB, NO_JOB */
export function checkJobs(manifests: readonly Manifest[]): void {
  refuseFindings([...manifests.flatMap(jobFindings), ...noJobFindings(manifests)])
}

function refuseFindings(findings: readonly Finding[]): void {
  const [first] = findings
  if (!first) return
  const lines = findings.slice(0, MAX_FINDINGS).map(({ text }) => text)
  const more = findings.length > MAX_FINDINGS ? [`... and ${findings.length - MAX_FINDINGS} more`] : []
  throw new DownpourError(first.code, [...lines, ...more].join('\n'))
}

/** @returns warnings about jobs that passed the check */
export function manifestWarnings(manifests: readonly Manifest[]): string[] {
  return manifests.filter(isJob).flatMap(({ file, object }) => warningLines(`${file}: ${labelOf(object)}`, object))
}

/** The PretrainJobs and FinetuneJobs, as they were written. */
export function jobsOf(manifests: readonly Manifest[]): Manifest['object'][] {
  return manifests.filter(isJob).map(({ object }) => object)
}

function isJob({ object }: Manifest): boolean {
  return Object.hasOwn(PLURALS, object.kind)
}

function kindFindings({ file, object }: Manifest): Finding[] {
  if (Object.hasOwn(PLURAL_OF, object.kind)) return []
  const text = `${file}: kind: ${object.kind}: local mode supports only ${Object.keys(PLURAL_OF).join(', ')}`
  return [{ code: 'KIND_UNKNOWN', text }]
}

/** generateName is refused as by `kubectl apply`: a second run would create another job instead of continuing the first. */
function nameFindings({ file, object: { metadata } }: Manifest): Finding[] {
  if (metadata.name !== undefined) return []
  const text = `${file}: from ${metadata.generateName}: cannot use generate name with apply`
  return [{ code: 'NAME_GENERATED', text }]
}

/**
 * Two different objects of one name are refused, because the last would replace the first. Equal ones are allowed: several
 * files may each contain the claims that they share.
 */
function duplicateFindings(manifests: readonly Manifest[]): Finding[] {
  const seen = new Map<string, Manifest>()
  return manifests.flatMap((manifest): Finding[] => {
    const { file, object } = manifest
    if (object.metadata.name === undefined) return []
    const key = JSON.stringify([object.kind, namespaceOf(object), object.metadata.name])
    const before = seen.get(key)
    if (!before) seen.set(key, manifest)
    if (!before || isDeepStrictEqual(before.object, object)) return []
    return [
      { code: 'OBJECT_TWICE', text: `${file}: ${labelOf(object)}: ${before.file} has a different object of this name` },
    ]
  })
}

function jobFindings(manifest: Manifest): Finding[] {
  if (!isJob(manifest)) return []
  const label = `${manifest.file}: ${labelOf(manifest.object)}`
  return validateJob(manifest.object).map((issue) => ({ code: 'INVALID_JOB', text: `${label}: ${issueText(issue)}` }))
}

function noJobFindings(manifests: readonly Manifest[]): Finding[] {
  if (manifests.some(isJob)) return []
  const files = [...new Set(manifests.map(({ file }) => file))].join(', ')
  return [{ code: 'NO_JOB', text: `no PretrainJob or FinetuneJob in ${files}` }]
}
