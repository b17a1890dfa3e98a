/** `downpour validate`: everything that is wrong with job files, a line each, before a cluster sees them. */
import type { Readable, Writable } from 'node:stream'
import { issueText, validateJob } from '../api/parse.ts'
import { GROUP, JOB_KINDS } from '../contract/names.ts'
import { errorCode, errorMessage } from '../support/errors.ts'
import { type Manifest, readManifests } from './manifests.ts'

export interface CliIo {
  out: Writable
  err: Writable
  in: Readable
}

interface Tally {
  jobs: number
  others: number
  problems: number
}

/**
 * Reads every file, even after one that is broken, and ends with a line that counts.
 * @returns the exit code: 1 when there was any problem
 */
export async function validateFiles(files: readonly string[], io: CliIo): Promise<number> {
  const tally: Tally = { jobs: 0, others: 0, problems: 0 }
  const seen = new Set<string>()
  for (const file of files) {
    for (const manifest of await manifestsOf(file, io, tally)) checkManifest(manifest, seen, io, tally)
  }
  const { jobs, others, problems } = tally
  io.out.write(
    `${count(jobs, 'job')} checked, ${count(problems, 'problem')}${others > 0 ? `; ${count(others, 'other object')} passed by` : ''}\n`,
  )
  return problems > 0 ? 1 : 0
}

async function manifestsOf(file: string, { err }: CliIo, tally: Tally): Promise<Manifest[]> {
  try {
    return await readManifests([file])
  } catch (error) {
    if (errorCode(error) === 'UNKNOWN') throw error
    tally.problems += 1
    err.write(`${errorMessage(error)}\n`)
    return []
  }
}

function checkManifest({ file, object }: Manifest, seen: Set<string>, { out, err }: CliIo, tally: Tally): void {
  const label = `${file}: ${object.kind}/${object.metadata.name}`
  if (!isOurs(object)) {
    tally.others += 1
    out.write(`${label}: not a job, passed by\n`)
    return
  }
  tally.jobs += 1
  const lines = validateJob(object).map(issueText)
  const key = [object.kind, object.metadata.namespace ?? 'default', object.metadata.name].join('/')
  if (seen.has(key)) lines.push('metadata.name: another job of this kind and name was read before; the last would win')
  seen.add(key)
  tally.problems += lines.length
  for (const line of lines) err.write(`${label}: ${line}\n`)
  if (lines.length === 0) out.write(`${label}: valid\n`)
}

/** A mistyped kind of our group is a mistake, not somebody else's object. */
function isOurs({ apiVersion, kind }: Manifest['object']): boolean {
  return JOB_KINDS.some((known) => known === kind) || apiVersion.startsWith(`${GROUP}/`)
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}
