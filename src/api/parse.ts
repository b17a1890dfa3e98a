/** From unknown to Job: the one door through which job objects enter; types are trusted behind it. */
import { isDeepStrictEqual } from 'node:util'
import type { z } from 'zod'
import { API_VERSION, JOB_KINDS, type JobKind } from '../contract/names.ts'
import { DownpourError } from '../support/errors.ts'
import { shownValue } from '../support/shown.ts'
import { FinetuneJobSpec } from './finetune-job.ts'
import { type Issue, issueOf, metadataIssues, required, topLevelIssues } from './issues.ts'
import type { Job } from './job.ts'
import { PretrainJobSpec } from './pretrain-job.ts'
import { fillSpec, isFields, withoutNulls } from './resolve.ts'
import { RULES } from './rules.ts'
import { transferIssues } from './transfer-issues.ts'

export type { Issue } from './issues.ts'

const COMPLETE = { PretrainJob: PretrainJobSpec, FinetuneJob: FinetuneJobSpec }

/** @throws DownpourError INVALID_JOB with `details.issues`; the message names the first and counts the rest. */
export function parseJob(raw: unknown): Job {
  const { job, issues } = check(raw)
  if (job) return job
  const [first] = issues
  const more = issues.length > 1 ? ` (and ${issues.length - 1} more)` : ''
  throw new DownpourError('INVALID_JOB', `${labelOf(raw)}: ${first ? issueText(first) : 'invalid'}${more}`, { issues })
}

/** Everything that is wrong with a job object; empty when nothing is. */
export function validateJob(raw: unknown): Issue[] {
  return check(raw).issues
}

/** @example "spec.workers.replicas: 0: expected a number of at least 1" */
export function issueText({ path, value, message }: Issue): string {
  if (value === undefined) return `${path}: ${message}`
  return `${path}: ${shownValue(value)}: ${message}`
}

export function labelOf(raw: unknown): string {
  const { kind, metadata } = isFields(raw) ? raw : {}
  const { name, generateName } = isFields(metadata) ? metadata : {}
  return `${textOr(kind, 'object')}/${textOr(name, textOr(generateName, '?'))}`
}

/** Anything may stand where a text should; an object may not even be turned into one. */
function textOr(value: unknown, otherwise: string): string {
  return typeof value === 'string' && value !== '' ? value : otherwise
}

function check(raw: unknown): { job?: Job; issues: Issue[] } {
  if (!isFields(raw)) return { issues: [required('', 'an object with apiVersion, kind, metadata and spec')] }
  const kind = JOB_KINDS.find((known) => known === raw.kind)
  if (!kind) return { issues: [{ path: 'kind', value: raw.kind, ...expected(JOB_KINDS.join(' or ')) }] }
  const head = [...topLevelIssues(raw), ...versionIssues(raw.apiVersion), ...metadataIssues(raw.metadata)]
  if (!isFields(raw.spec)) return { issues: [...head, required('spec', 'an object')] }
  const { spec, issues } = checkSpec(kind, raw.spec)
  const all = [...head, ...issues, ...(spec ? issuesOfTransfers(raw.metadata, spec) : [])]
  if (all.length > 0 || !spec) return { issues: all }
  return {
    job: { kind, metadata: raw.metadata, spec, ...(raw.status ? { status: raw.status } : {}) } as Job,
    issues: [],
  }
}

function checkSpec(kind: JobKind, written: Record<string, unknown>): { spec?: unknown; issues: Issue[] } {
  const given = withoutNulls(written) as typeof written
  const filled = fillSpec(kind, given)
  const complete = COMPLETE[kind].safeParse(filled)
  const strangers = isDeepStrictEqual(given, written) ? [] : unknownNulls(kind, written)
  if (!complete.success) return { issues: [...strangers, ...issuesOf(complete.error, filled)] }
  if (strangers.length > 0) return { issues: strangers }
  const broken = RULES.filter((rule) => rule.kinds.includes(kind) && !rule.holds(complete.data as never))
  const issues = broken.map(({ path, message }) => ({
    path,
    value: valueAt(filled, path),
    ...expected(message),
  }))
  return { spec: complete.data, issues }
}

/** A null stands for no field only where there could be one. */
function unknownNulls(kind: JobKind, written: Record<string, unknown>): Issue[] {
  const { error } = COMPLETE[kind].safeParse(written)
  const unknown = error?.issues.filter(({ code }) => code === 'unrecognized_keys') ?? []
  return unknown.flatMap((issue) => issueOf(issue, 'spec', written)).filter(({ value }) => value === null)
}

function issuesOfTransfers(metadata: unknown, spec: unknown): Issue[] {
  const name = isFields(metadata) ? textOr(metadata.name, '') : ''
  return transferIssues(name, spec as Partial<PretrainJobSpec>, validateJob)
}

function issuesOf(error: z.ZodError, filled: Record<string, unknown>): Issue[] {
  return error.issues.flatMap((issue) => issueOf(issue, 'spec', filled))
}

function versionIssues(apiVersion: unknown): Issue[] {
  return apiVersion === API_VERSION ? [] : [{ path: 'apiVersion', value: apiVersion, ...expected(API_VERSION) }]
}

function expected(text: string): { expected: string; message: string } {
  return { expected: text, message: text }
}

/** @param path of a rule: `spec.input.cropPixels` */
function valueAt(spec: Record<string, unknown>, path: string): unknown {
  const steps = path.split('.').slice(1)
  return steps.reduce<unknown>((value, step) => (value as Record<string, unknown> | undefined)?.[step], spec)
}
