import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { z } from 'zod'
import { validateJob } from '../../../src/api/parse.ts'
import type { Schema } from '../../../src/api/schema.ts'
import { structuralSchema } from '../../../src/api/structural.ts'
import { inputSchema, narrowInputFields } from '../../../src/api/task.ts'
import { JOB_KINDS, type JobKind } from '../../../src/contract/names.ts'
import type { TaskDeclaration } from '../../../src/tasks/declaration.ts'
import { declarationsFor } from '../../../src/tasks/declarations.ts'
import { crdIssues } from '../../support/crd-server.ts'
import { finetune, pretrain } from '../../support/job-cases.ts'

function declaration(type: string, field: z.ZodType): TaskDeclaration {
  return {
    type,
    kinds: ['FinetuneJob'],
    annotates: 'classes',
    formats: ['tfrecord'],
    options: z.strictObject({}),
    input: z.strictObject({ side: field }),
    metrics: [{ name: 'a', better: 'higher' }],
  }
}

const side = (type: z.ZodType) => type.describe('Pixels.').default(9)
const [SMALL, LARGE] = [
  declaration('small', side(z.int().min(1).max(64))),
  declaration('large', side(z.int().min(8).max(512))),
]

test('a field of several tasks may have in the CRD what any of them admits, in whatever order they are listed', () => {
  for (const declarations of [
    [SMALL, LARGE],
    [LARGE, SMALL],
  ]) {
    const { side } = structuralSchema(inputSchema(declarations)).properties as Record<string, Schema>
    assert.deepEqual(side, { type: 'integer', format: 'int32', minimum: 1, maximum: 512, description: 'Pixels.' })
    const input = inputSchema(declarations)
    assert.deepEqual(
      [0, 1, 64, 65, 512, 513].map((value) => input.safeParse({ side: value }).success),
      [false, true, true, true, true, false],
    )
  }
})

test('each task with narrower bounds than the field of the CRD has a rule', () => {
  assert.deepEqual(narrowInputFields([SMALL, LARGE]), [
    { type: 'small', field: 'side', holds: 'self.input.side <= 64', expected: 'at most 64' },
    { type: 'large', field: 'side', holds: 'self.input.side >= 8', expected: 'at least 8' },
  ])
  assert.deepEqual(narrowInputFields([SMALL, SMALL]), [])
  const [above, from] = [declaration('above', side(z.number().gt(2))), declaration('from', side(z.number().gt(0)))]
  assert.deepEqual(narrowInputFields([above, from]), [
    { type: 'above', field: 'side', holds: 'self.input.side > 2.0', expected: 'more than 2' },
  ])
})

test('fields of one name that differ by more than bounds are a mistake in a declaration', () => {
  const other = declaration('other', side(z.boolean()))
  const bounded = declaration('other', side(z.int().gt(3)))
  for (const one of [other, bounded])
    assert.throws(() => structuralSchema(inputSchema([SMALL, one])), { code: 'BUG_NOT_STRUCTURAL' })
})

/** A job of the task whose numbers are all the smallest or the largest that the task's own declaration admits. */
function jobAt(kind: JobKind, { type, options, input, formats }: TaskDeclaration, bound: 'minimum' | 'maximum') {
  const data = { source: { claimName: 'd' }, format: formats[0] }
  const given = { preset: undefined, maxSteps: 5, data, evaluation: { data } }
  const { classes } = options.shape
  const task = { type, ...(classes && { classes: numbersOf(options, bound).classes }) }
  const fields = { ...given, task, input: numbersOf(input, bound) }
  return kind === 'PretrainJob' ? pretrain(fields) : finetune(fields)
}

function numbersOf(type: z.ZodObject, bound: 'minimum' | 'maximum'): Record<string, number> {
  const { properties = {} } = structuralSchema(type)
  return Object.fromEntries(
    Object.entries(properties).flatMap(([name, { [bound]: value }]) => (value === undefined ? [] : [[name, value]])),
  )
}

suite('the CRD and validate admit what the declaration of a task admits, and no more:', () => {
  for (const kind of JOB_KINDS)
    for (const declaration of declarationsFor(kind) as readonly TaskDeclaration[])
      for (const [bound, beyond] of [
        ['minimum', -1],
        ['maximum', 1],
      ] as const)
        test(`the ${bound} of each number of ${declaration.type} in a ${kind}`, () => {
          const job = jobAt(kind, declaration, bound)
          const { input, task } = job.spec as Record<'input' | 'task', Record<string, number>>
          assert.deepEqual(validateJob(job), [])
          assert.deepEqual(crdIssues(kind, job), [])
          for (const [part, fields] of Object.entries({ input, task }))
            for (const [name, value] of Object.entries(fields).filter(([, one]) => typeof one === 'number')) {
              const wrong = { ...job, spec: { ...job.spec, [part]: { ...fields, [name]: value + beyond } } }
              const path = `spec.${part}.${name}`
              assert.ok(
                validateJob(wrong).some((issue) => issue.path === path),
                `validate admits ${path}`,
              )
              assert.ok(crdIssues(kind, wrong).length > 0, `the CRD admits ${path}: ${value + beyond}`)
            }
        })
})
