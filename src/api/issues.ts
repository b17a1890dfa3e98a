/** zod's findings in a user's words: the field's path, the value, what was expected, and the name that was meant. */
import type { z } from 'zod'
import { isFields } from './resolve.ts'

export interface Issue {
  /** @example spec.workers.replicas */
  path: string
  /** Undefined when the field is missing. */
  value: unknown
  expected: string
  message: string
}

const MAX_NAME = 40
const NAME = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/

export function required(path: string, expected: string): Issue {
  return { path, value: undefined, expected, message: `required: ${expected}` }
}

/** @param valueAt the value the user gave at a path */
export function issueOf(issue: z.core.$ZodIssue, root: string, valueAt: (path: string) => unknown): Issue[] {
  const path = issue.path.reduce<string>(
    (text, key) => text + (typeof key === 'number' ? `[${key}]` : `.${String(key)}`),
    root,
  )
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      path: `${path}.${key}`,
      value: valueAt(`${path}.${key}`),
      expected: 'a known field',
      message: `unknown field${didYouMean(key)}`,
    }))
  }
  const value = valueAt(path)
  const expected = expectation(issue)
  if (value === undefined) return [required(path, expected)]
  return [{ path, value, expected, message: `expected ${expected}` }]
}

/** Pod names add up to `-worker-9999` and the kind to a job's name, and a label holds 63 characters. */
export function nameIssues(metadata: unknown): Issue[] {
  const name = isFields(metadata) ? metadata.name : undefined
  const expected = `lower-case letters, digits and '-', at most ${MAX_NAME} characters`
  if (typeof name !== 'string') return [required('metadata.name', expected)]
  if (name.length <= MAX_NAME && NAME.test(name)) return []
  return [{ path: 'metadata.name', value: name, expected, message: `expected ${expected}` }]
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
      return `text like ${issue.pattern ?? issue.format}`
    default:
      return issue.message
  }
}

function unionExpectation(issue: z.core.$ZodIssueInvalidUnion): string {
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

/** Names that people type for ours. */
const NEAR: Readonly<Record<string, string>> = {
  batch_size: 'batchSize',
  batchsize: 'batchSize',
  learning_rate: 'learningRate',
  lr: 'learningRate',
  steps: 'maxSteps',
  worker: 'workers',
  ps: 'parameterServer',
  parameterServers: 'parameterServer',
  replica: 'replicas',
  image: 'runtime.image',
  checkpoints: 'checkpoint',
  transfer: 'transfers',
}
const KNOWN = [
  ...new Set(Object.values(NEAR)),
  ...[
    'model',
    'data',
    'input',
    'optimizer',
    'weightDecay',
    'batchNorm',
    'seed',
    'async',
    'evaluator',
    'runtime',
    'evaluation',
  ],
  ...['suspend', 'failurePolicy', 'backoffLimit', 'progressDeadlineSeconds', 'activeDeadlineSeconds', 'cleanPodPolicy'],
  ...[
    'ttlSecondsAfterFinished',
    'scheduling',
    'classes',
    'backbone',
    'headSlices',
    'fetchEvery',
    'pushEvery',
    'claimName',
  ],
]

function didYouMean(key: string): string {
  const near = NEAR[key] ?? KNOWN.find((known) => editDistance(known.toLowerCase(), key.toLowerCase()) <= 2)
  return near ? `; did you mean ${near}?` : ''
}

/** Levenshtein distance. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
