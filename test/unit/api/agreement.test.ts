import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { FROZEN_FIELDS, IMMUTABLE_FIELDS } from '../../../src/api/immutable.ts'
import { issueText, validateJob } from '../../../src/api/parse.ts'
import { RULES } from '../../../src/api/rules.ts'
import { admit } from '../../../src/local/store/admission.ts'
import type { Stored } from '../../../src/local/store/objects.ts'
import { RESOURCES } from '../../../src/local/store/resources.ts'
import { StatusError } from '../../../src/local/store/status-error.ts'
import { crdIssues } from '../../support/crd-server.ts'
import { CHANGE_CASES, JOB_CASES, type RawJob } from '../../support/job-cases.ts'

suite('`downpour validate` and `kubectl apply` agree on a job with', () => {
  for (const { name, job, issue, cel } of JOB_CASES) {
    test(`${name}, which is ${issue ? 'refused' : 'accepted'}`, () => {
      const issues = validateJob(job).map(({ path, message }) => `${path}: ${message}`)
      if (issue)
        assert.ok(
          issues.some((line) => issue.test(line)),
          issues.join('\n') || 'validate found nothing',
        )
      else assert.deepEqual(issues, [])
      const server = crdIssues(job.kind, job)
      assert.equal(server.length > 0, issue !== undefined, server.join('\n') || 'the CRD accepts it')
      if (cel)
        assert.ok(
          server.some((line) => line.includes(cel)),
          server.join('\n'),
        )
    })
  }
})

test('a case breaks each rule between fields, and validate and the CRD show the same message', () => {
  const zod = JOB_CASES.flatMap(({ job }) => validateJob(job).map(({ message }) => message))
  const server = JOB_CASES.flatMap(({ job }) => crdIssues(job.kind, job))
  for (const { path, message } of RULES) {
    assert.ok(zod.includes(message), `${path}: ${message}`)
    assert.ok(
      server.some((line) => line.endsWith(`${path}: ${message}`)),
      `CRD: ${path}: ${message}`,
    )
  }
})

suite('fields that shaped the weights cannot change', () => {
  for (const { name, before, after, field, message = 'cannot change; make a new job' } of CHANGE_CASES) {
    test(`a changed value of ${name} is ${field ? 'refused' : 'accepted'}`, () => {
      const expected = field ? [`.spec.${field}: ${message}`] : []
      assert.deepEqual(crdIssues(after.kind, after, before), expected)
      assert.deepEqual(
        localCauses(after, before).map((line) => line.replace(/: Invalid value: .*: /, ': ')),
        expected,
      )
    })
  }

  test('the embedded API server protects the same fields, and removing a field counts as a change', () => {
    for (const { after, field } of CHANGE_CASES) {
      const known = [...IMMUTABLE_FIELDS[after.kind], ...FROZEN_FIELDS.map(({ path }) => path)]
      assert.ok(field === undefined || known.includes(field))
    }
    const [job] = CHANGE_CASES.map(({ before }) => before)
    const without = {
      ...job,
      spec: { ...job?.spec, preset: undefined, model: { backbone: 'resnet50' }, task: { classes: 5 }, maxSteps: 9 },
    } as RawJob
    const expected = ['preset', 'task', 'model'].map((field) => `.spec.${field}: cannot change; make a new job`)
    assert.deepEqual(crdIssues(without.kind, without, job), expected)
  })
})

function localCauses(after: RawJob, before: RawJob): string[] {
  const resource = RESOURCES.find(({ kind }) => kind === after.kind)
  assert.ok(resource)
  const stored = (job: RawJob) => JSON.parse(JSON.stringify(job)) as Stored
  try {
    admit(resource, stored(after), admit(resource, stored(before)))
    return []
  } catch (error) {
    assert.ok(error instanceof StatusError)
    const { details } = error.toStatus() as { details: { causes: { field: string; message: string }[] } }
    return details.causes.map((cause) => `.${cause.field}: ${cause.message}`)
  }
}

test('a message shows the value, cut to a readable length', () => {
  const [issue] = validateJob({ ...JOB_CASES[0]?.job, spec: { preset: 'x'.repeat(500) } })
  assert.ok(issue)
  assert.ok(issueText(issue).length < 400, issueText(issue))
  assert.match(issueText(issue), /^spec\.preset: "x{119}…: expected one of/)
})
