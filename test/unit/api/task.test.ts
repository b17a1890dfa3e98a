import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { BASE_DEFAULTS, FINETUNE_RECIPES, PRETRAIN_RECIPES } from '../../../src/api/presets.ts'
import { foreignInputFields } from '../../../src/api/task.ts'
import { JFT_WORLD } from '../../../src/data/generate/world.ts'
import type { TaskDeclaration } from '../../../src/tasks/declaration.ts'
import { DECLARATIONS } from '../../../src/tasks/declarations.ts'

function declaration(type: string, input: z.ZodObject): TaskDeclaration {
  return {
    type,
    kinds: ['PretrainJob'],
    annotates: 'classes',
    formats: ['tfrecord'],
    options: z.strictObject({}),
    input,
    metrics: [{ name: 'a', better: 'higher' }],
  }
}

test('foreignInputFields lists the input fields that only other tasks have', () => {
  const square = declaration('square', z.strictObject({ side: z.int().default(1), flip: z.boolean().default(true) }))
  const long = declaration('long', z.strictObject({ longSide: z.int().default(1), flip: z.boolean().default(true) }))
  assert.deepEqual(foreignInputFields([square, long]), [
    { type: 'square', fields: ['longSide'] },
    { type: 'long', fields: ['side'] },
  ])
  assert.deepEqual(foreignInputFields([square, square]), [])
})

test('every field of an input has a default, because a job without a preset may omit it', () => {
  for (const { type, input } of DECLARATIONS) assert.ok(input.safeParse(BASE_DEFAULTS.input).success, type)
})

test('the small presets have as many classes as their data', () => {
  assert.equal(PRETRAIN_RECIPES['jft-mini'].task?.classes, JFT_WORLD.labels.size)
  assert.equal(FINETUNE_RECIPES['downstream-mini'].task?.classes, JFT_WORLD.downstream.length)
})
