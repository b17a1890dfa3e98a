/** Turns zod's issues into messages for the author: path, value, expectation, and the field that was probably meant. */
import type { z } from 'zod'
import { isFields, valueAt } from '../support/fields.ts'
import type { Issue } from './issue.ts'
import { didYouMean } from './known-fields.ts'
import { StoredMetadata, WrittenMetadata } from './metadata.ts'
import { JOB_NAME_FORM, jobName, MAX_JOB_NAME } from './names.ts'
import { pruned } from './pruned.ts'
import { JobStatus } from './status.ts'
import { structuralSchema } from './structural.ts'

const TOP_LEVEL = ['apiVersion', 'kind', 'metadata', 'spec', 'status']
/** Number of unknown fields of an object that get a suggestion, because the search is slow. */
const MAX_HINTS = 50
const GENERATED = 'xxxxx'
const STATUS = structuralSchema(JobStatus)
const METADATA = { written: WrittenMetadata, stored: StoredMetadata }
/** Whether a job comes from its author or from the API server. */
export type Origin = keyof typeof METADATA

export function required(path: string, expected: string): Issue {
  return { path, value: undefined, expected, message: `required: ${expected}` }
}

/** @param given the object at the root. Paths are arrays of keys, because keys of maps may contain dots. */
export function issueOf(issue: z.core.$ZodIssue, root: string, given: unknown): Issue[] {
  const value = valueAt(given, issue.path)
  const path = issue.path.reduce<string>(
    (text, key) => text + (typeof key === 'number' ? `[${key}]` : `.${String(key)}`),
    root,
  )
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key, i) => ({
      path: `${path}.${key}`,
      value: valueAt(value, [key]),
      expected: 'a known field',
      message: `unknown field${i < MAX_HINTS ? didYouMean(key, `${path}.${key}`) : ''}`,
    }))
  }
  const expected = expectation(issue)
  if (value === undefined) return [required(path, expected)]
  if (issue.code === 'custom') return [{ path, value, expected, message: expected }]
  return [{ path, value, expected, message: `expected ${expected}` }]
}

/** Issues of unknown top-level fields. */
export function topLevelIssues(raw: Record<string, unknown>): Issue[] {
  return Object.keys(raw)
    .filter((key) => !TOP_LEVEL.includes(key))
    .map((key) => ({
      path: key,
      value: raw[key],
      expected: 'a known field',
      message: `unknown field${didYouMean(key, key, TOP_LEVEL)}`,
    }))
}

/** The API server ignores a written status, but only after checking it for unknown fields. */
export function statusIssues(raw: unknown): Issue[] {
  const unknown: Issue[] = []
  const note = (path: string) =>
    unknown.push({ path, value: undefined, expected: 'a known field', message: 'unknown field' })
  pruned(STATUS, isFields(raw) ? raw.status : undefined, 'status', note)
  return unknown
}

export function metadataIssues(metadata: unknown, origin: Origin): Issue[] {
  return [...nameIssues(metadata), ...fieldIssues(metadata, METADATA[origin])]
}

function fieldIssues(metadata: unknown, type: z.ZodType): Issue[] {
  const read = type.safeParse(metadata)
  if (read.success || !isFields(metadata)) return []
  return read.error.issues.flatMap((issue) => issueOf(issue, 'metadata', metadata))
}

function nameIssues(metadata: unknown): Issue[] {
  const { name, generateName } = isFields(metadata) ? metadata : {}
  if (isBlank(name) && !isBlank(generateName)) return generateNameIssues(generateName)
  const expected = `${JOB_NAME_FORM}, at most ${MAX_JOB_NAME} characters`
  if (isBlank(name)) return [required('metadata.name', expected)]
  if (jobName.safeParse(name).success) return []
  return [{ path: 'metadata.name', value: name, expected, message: `expected ${expected}` }]
}

/** Whether the API server treats the value as absent. */
function isBlank(name: unknown): boolean {
  return name === undefined || name === null || name === ''
}

/** The API server appends five letters and digits. */
function generateNameIssues(generateName: unknown): Issue[] {
  const longest = MAX_JOB_NAME - GENERATED.length
  const expected = `the beginning of a name: lower-case letters, digits and '-', at most ${longest} characters`
  if (typeof generateName === 'string' && jobName.safeParse(`${generateName}${GENERATED}`).success) return []
  return [{ path: 'metadata.generateName', value: generateName, expected, message: `expected ${expected}` }]
}

function expectation(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return article(issue.expected)
    case 'too_small':
      return bound(issue.origin, issue.inclusive ? 'at least' : 'more than', issue.minimum)
    case 'too_big':
      return bound(issue.origin, issue.inclusive ? 'at most' : 'less than', issue.maximum)
    case 'invalid_value':
      return `one of ${issue.values.join(', ')}`
    case 'invalid_union':
      return unionExpectation(issue)
    case 'invalid_format':
      return issue.message
    default:
      return issue.message
  }
}

function unionExpectation(issue: z.core.$ZodIssueInvalidUnion): string {
  const { options: names } = issue as { options?: readonly string[] }
  if (names) return `one of ${names.join(', ')}`
  const options = issue.errors.map((errors) => errors[0]).filter((first) => first !== undefined)
  return options.length > 0 ? [...new Set(options.map(expectation))].join(' or ') : 'another form'
}

function bound(origin: string, relation: string, limit: number | bigint): string {
  const what = { string: 'a text of', array: 'a list of', record: 'a map of' }[origin]
  return what
    ? `${what} ${relation} ${limit} ${origin === 'string' ? 'characters' : 'entries'}`
    : `a number ${relation === 'at least' || relation === 'at most' ? 'of ' : ''}${relation} ${limit}`
}

function article(type: string): string {
  const names: Record<string, string> = { int: 'a whole number', string: 'a text', record: 'a map', array: 'a list' }
  return names[type] ?? (/^[aeiou]/.test(type) ? `an ${type}` : `a ${type}`)
}
