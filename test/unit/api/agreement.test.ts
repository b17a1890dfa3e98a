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

suite('`downpour validate` and `kubectl apply` give one answer', () => {
  for (const { name, job, issue, cel } of JOB_CASES) {
    test(`${issue ? 'refused' : 'taken'}: ${name}`, () => {
      const said = validateJob(job).map(({ path, message }) => `${path}: ${message}`)
      if (issue)
        assert.ok(
          said.some((line) => issue.test(line)),
          said.join('\n') || 'validate found nothing',
        )
      else assert.deepEqual(said, [])
      const server = crdIssues(job.kind, job)
      assert.equal(server.length > 0, issue !== undefined, server.join('\n') || 'the CRD takes it')
      if (cel)
        assert.ok(
          server.some((line) => line.includes(cel)),
          server.join('\n'),
        )
    })
  }
})

test('each rule between fields is broken by a case, in the same words on both sides', () => {
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

suite('what shaped the weights cannot change', () => {
  for (const { name, before, after, field, words: said = 'cannot change; make a new job' } of CHANGE_CASES) {
    test(`${field ? 'refused' : 'taken'}: another value of ${name}`, () => {
      const words = field ? [`.spec.${field}: ${said}`] : []
      assert.deepEqual(crdIssues(after.kind, after, before), words)
      assert.deepEqual(
        localCauses(after, before).map((line) => line.replace(/: Invalid value: .*: /, ': ')),
        words,
      )
    })
  }

  test('the embedded API server holds the same fields, and a field that is taken away has changed, too', () => {
    for (const { after, field } of CHANGE_CASES) {
      const known = [...IMMUTABLE_FIELDS[after.kind], ...FROZEN_FIELDS.map(({ path }) => path)]
      assert.ok(field === undefined || known.includes(field))
    }
    const [job] = CHANGE_CASES.map(({ before }) => before)
    const without = {
      ...job,
      spec: { ...job?.spec, preset: undefined, model: { backbone: 'resnet50' }, task: { classes: 5 }, maxSteps: 9 },
    } as RawJob
    const words = ['preset', 'task', 'model'].map((field) => `.spec.${field}: cannot change; make a new job`)
    assert.deepEqual(crdIssues(without.kind, without, job), words)
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

test('a message shows the value, but not a whole template', () => {
  const [issue] = validateJob({ ...JOB_CASES[0]?.job, spec: { preset: 'x'.repeat(500) } })
  assert.ok(issue)
  assert.ok(issueText(issue).length < 400, issueText(issue))
  assert.match(issueText(issue), /^spec\.preset: "x{119}…: expected one of/)
})
