/** From the variables that a task declares to the step of the optimizer, through the layout as workers send it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Optimizer } from '../../../src/contract/training.ts'
import { layoutOf } from '../../../src/ps/hello.ts'
import { StoredVariable, storedVariable, type VariableSpec } from '../../../src/support/variables.ts'
import { type LayoutEntry, makeLayout } from '../../../src/wire/layout.ts'
import type { Message } from '../../../src/wire/messages.ts'
import { taskOf } from '../tasks/cases.ts'
import { body, makeConfig, makeTraining, push, worker } from './fixtures.ts'

const MULTIPLIER = 10
const RATE = 1e-3

/** The variables of a task whose head learns faster than its backbone. */
async function declaredVariables(): Promise<VariableSpec[]> {
  const { variables } = await taskOf('multi-label')
  return variables.map((variable) =>
    variable.restored === false ? { ...variable, learningRateMultiplier: MULTIPLIER } : variable,
  )
}

/** The variables as a parameter server reads them from a worker's messages. */
function received(variables: readonly VariableSpec[]): readonly VariableSpec[] {
  const sent = JSON.parse(JSON.stringify(variables.map(storedVariable)))
  const layout: Message<'layout'> = { type: 'layout', variables: StoredVariable.array().parse(sent) }
  return layoutOf(layout, { layoutHash: makeLayout(variables).hash } as Message<'hello'>).variables
}

/** How far each trainable variable moves when every gradient is 1, by its name. */
function movesOf(variables: readonly VariableSpec[], optimizer: Optimizer): Map<string, number> {
  const config = makeConfig({ optimizer, learningRate: { type: 'constant', initial: RATE } })
  const training = makeTraining(config, variables)
  const { weights, layout } = training.shard
  const before = weights.slice()
  training.push(worker(0), push(1), body(...new Array<number>(layout.trainable + layout.statistic).fill(1)))
  const moved = ({ offset }: LayoutEntry) => (before[offset] as number) - (weights[offset] as number)
  const trainable = layout.entries.filter(({ kind }) => kind === 'trainable')
  return new Map(trainable.map((entry) => [entry.name, moved(entry)]))
}

const OPTIMIZERS: readonly Optimizer[] = [
  { type: 'momentum', momentum: 0.9 },
  { type: 'rmsprop', decay: 0.9, momentum: 0.9, epsilon: 1e-10 },
  { type: 'adam', beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
]

for (const optimizer of OPTIMIZERS)
  test(`with ${optimizer.type}, the variables that a task gives a multiplier move so many times as far, and no others`, async () => {
    const moves = movesOf(received(await declaredVariables()), optimizer)
    const plain = movesOf((await taskOf('multi-label')).variables, optimizer)
    assert.ok(moves.has('head/slice_0/weights') && moves.has('root/weights'), 'both kinds are trained')
    for (const [name, move] of moves) {
      const expected = (plain.get(name) as number) * (name.startsWith('head/') ? MULTIPLIER : 1)
      assert.ok(Math.abs(move - expected) < 0.01 * Math.abs(expected), `${name}: ${move}, not ${expected}`)
    }
  })
