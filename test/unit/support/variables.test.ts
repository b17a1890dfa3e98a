import assert from 'node:assert/strict'
import { test } from 'node:test'
import { storedVariable, type VariableSpec, variableSpec } from '../../../src/support/variables.ts'

const BODY: VariableSpec = { name: 'w', shape: [2], kind: 'trainable', decay: true, init: { type: 'zeros' } }
const OWN: VariableSpec = { ...BODY, restored: false }

test('a variable that is not restored is stored as head, the name that checkpoints have had from the start', () => {
  assert.deepEqual(storedVariable(OWN), { ...BODY, head: true })
  assert.deepEqual(storedVariable(BODY), BODY)
})

test('a stored variable is read back as it was', () => {
  for (const variable of [BODY, OWN]) assert.deepEqual(variableSpec(storedVariable(variable)), variable)
  assert.deepEqual(variableSpec({ ...BODY, head: false }), BODY)
})
