import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { Costs } from '../../../src/simulate/machine.ts'
import { MEASURED } from '../../../tools/generate.ts'
import { measuredCosts } from '../../../tools/measured-costs.ts'

test('the default costs of `downpour plan` are those of the recorded benchmarks (npm run generate)', () => {
  assert.equal(readFileSync(MEASURED, 'utf8'), measuredCosts())
})

test('they have every cost but those of the network, which one machine cannot measure', () => {
  const { costs } = JSON.parse(measuredCosts())
  assert.equal(Costs.omit({ network: true }).safeParse(costs).success, true)
  assert.equal(costs.network, undefined)
})
