/** Parses and validates jobs. All job objects enter here; their types are trusted everywhere else. */
import type { z } from 'zod'
import { API_VERSION, JOB_KINDS, type JobKind } from '../contract/names.ts'
import { DownpourError } from '../support/errors.ts'
import { isFields, valueAt } from '../support/fields.ts'
import type { TaskDeclaration } from '../tasks/declaration.ts'
import { declarationOf } from '../tasks/declarations.ts'
import { FinetuneJobInput, FinetuneJobSpec } from './finetune-job.ts'
import { ownSourceIssues } from './from-rules.ts'
import type { Issue } from './issue.ts'
import { issueOf, metadataIssues, type Origin, required, statusIssues, topLevelIssues } from './issues.ts'
import type { Job } from './job.ts'
import { withoutNulls } from './nulls.ts'
import { PretrainJobInput, PretrainJobSpec } from './pretrain-job.ts'
import { propagationIssues } from './propagate-issues.ts'
import { fillSpec } from './resolve.ts'
import { RULES } from './rules.ts'
import type { Schema } from './schema.ts'
import { shownAt } from './secrets.ts'
import { structuralSchema } from './structural.ts'
import type { InputSpec, TaskSpec } from './task.ts'
import { transferIssues } from './transfer-issues.ts'

/** etcd accepts 1.5 MiB, of which the API server and the operator need some for their own fields. */
const MAX_JOB_BYTES = 1408 * 1024
const COMPLETE = { PretrainJob: PretrainJobSpec, FinetuneJob: FinetuneJobSpec }
const INPUTS: Readonly<Record<JobKind, Schema>> = {
  PretrainJob: structuralSchema(PretrainJobInput),
  FinetuneJob: structuralSchema(FinetuneJobInput),
}

/** A job that the API server has accepted: `metadata` is the server's own. @returns the job, or its issues */
export function readJob(raw: unknown): { job: Job; issues?: undefined } | { job?: undefined; issues: Issue[] } {
  const { job, issues } = check(raw, 'stored')
  return job ? { job } : { issues }
}

/** @throws DownpourError INVALID_JOB with `details.issues`; the message names the first and counts the rest. */
export function parseJob(raw: unknown): Job {
  const { job, issues } = readJob(raw)
  if (job) return job
  const [first] = issues
  const more = issues.length > 1 ? ` (and ${issues.length - 1} more)` : ''
  throw new DownpourError('INVALID_JOB', `${labelOf(raw)}: ${first ? issueText(first) : 'invalid'}${more}`, { issues })
}

/** All issues of a job as its author writes it; empty if it is valid. */
export function validateJob(raw: unknown): Issue[] {
  const { job, issues } = check(raw, 'written')
  return [...issues, ...statusIssues(raw), ...sizeIssues(raw), ...(job ? propagationIssues(job) : [])]
}

function sizeIssues(raw: unknown): Issue[] {
  const bytes = Buffer.byteLength(JSON.stringify(raw) ?? '')
  if (bytes <= MAX_JOB_BYTES) return []
  const expected = `at most ${MAX_JOB_BYTES} bytes`
  const message = `bytes that the job has as JSON: expected ${expected}, so that it can be stored with its status`
  return [{ path: 'spec', value: bytes, expected, message }]
}

/** @example "spec.workers.replicas: 0: expected a number of at least 1" */
export function issueText({ path, value, message }: Issue): string {
  if (value === undefined) return `${path}: ${message}`
  return `${path}: ${shownAt(path, value)}: ${message}`
}

export function labelOf(raw: unknown): string {
  const { kind, metadata } = isFields(raw) ? raw : {}
  const { name, generateName } = isFields(metadata) ? metadata : {}
  return `${textOr(kind, 'object')}/${textOr(name, textOr(generateName, '?'))}`
}

/** The value if it is a text: other values may not even be convertible to one. */
function textOr(value: unknown, otherwise: string): string {
  return typeof value === 'string' && value !== '' ? value : otherwise
}

function check(raw: unknown, origin: Origin): { job?: Job; issues: Issue[] } {
  if (!isFields(raw)) return { issues: [required('', 'an object with apiVersion, kind, metadata and spec')] }
  const kind = JOB_KINDS.find((known) => known === raw.kind)
  if (!kind) return { issues: [{ path: 'kind', value: raw.kind, ...expected(JOB_KINDS.join(' or ')) }] }
  const head = [...topLevelIssues(raw), ...versionIssues(raw.apiVersion), ...metadataIssues(raw.metadata, origin)]
  if (!isFields(raw.spec)) return { issues: [...head, required('spec', 'an object')] }
  const { spec, issues } = checkSpec(kind, raw.spec)
  const all = [...head, ...issues, ...(spec && kind === 'PretrainJob' ? issuesWithName(raw.metadata, spec) : [])]
  if (all.length > 0 || !spec) return { issues: all }
  return {
    job: { kind, metadata: raw.metadata, spec, ...(raw.status ? { status: raw.status } : {}) } as Job,
    issues: [],
  }
}

function checkSpec(kind: JobKind, written: Record<string, unknown>): { spec?: unknown; issues: Issue[] } {
  const filled = fillSpec(kind, withoutNulls(INPUTS[kind], written) as typeof written)
  const complete = COMPLETE[kind].safeParse(filled)
  if (!complete.success) return { issues: issuesOf(complete.error, filled, 'spec') }
  const input = completeInput(complete.data)
  if (!input.success) return { issues: issuesOf(input.error, filled.input, 'spec.input') }
  const spec = { ...complete.data, input: input.data }
  const broken = RULES.filter((rule) => rule.kinds.includes(kind) && !rule.holds(spec as never))
  const issues = broken.map(({ path, message }) => ({
    path,
    value: valueAt(filled, path.split('.').slice(1)),
    ...expected(message),
  }))
  return { spec, issues }
}

/** The fields of another task are unknown here; those that are absent get their defaults. */
function completeInput({ task, input }: { task: TaskSpec; input: InputSpec }) {
  const declaration: TaskDeclaration = declarationOf(task.type)
  return declaration.input.safeParse(input)
}

/** Rules that read the name of a PretrainJob. */
function issuesWithName(metadata: unknown, spec: Partial<PretrainJobSpec>): Issue[] {
  const name = isFields(metadata) ? textOr(metadata.name, '') : ''
  return [...transferIssues(name, spec, validateJob), ...ownSourceIssues(name, spec)]
}

function issuesOf(error: z.ZodError, given: unknown, path: string): Issue[] {
  return error.issues.flatMap((issue) => issueOf(issue, path, given))
}

function versionIssues(apiVersion: unknown): Issue[] {
  return apiVersion === API_VERSION ? [] : [{ path: 'apiVersion', value: apiVersion, ...expected(API_VERSION) }]
}

function expected(text: string): { expected: string; message: string } {
  return { expected: text, message: text }
}
