import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { PushResult } from '../../../src/contract/exchange.ts'
import { runScript, type Script, ScriptedRun } from './scripted-run.ts'

describe('a loop without prefetch', () => {
  test('pulls, computes and pushes in turn', async () => {
    const { calls } = await runScript({ steps: 2 })
    assert.deepEqual(calls, [
      ...['pull 0', 'weights 0', 'load 0', 'step 0', 'stepped 0', 'push 0', 'pushed 0'],
      ...['pull 1', 'weights 1', 'load 1', 'step 1', 'stepped 1', 'push 1', 'pushed 1'],
      ...['pull 2', 'weights 2', 'load 2'],
    ])
  })

  test('makes exactly the calls of a plain loop', async () => {
    const result = fc.constantFrom<PushResult>('applied', 'duplicate', 'stale', 'incarnation', 'wait')
    const script = fc.record({
      steps: fc.integer({ min: 0, max: 12 }),
      fetchEvery: fc.integer({ min: 1, max: 4 }),
      pushEvery: fc.integer({ min: 1, max: 4 }),
      results: fc.array(result, { maxLength: 12 }),
      badSteps: fc.uniqueArray(fc.constantFrom(1, 2, 5, 6, 9), { maxLength: 3 }),
    })
    await fc.assert(
      fc.asyncProperty(script, async (one) => {
        assert.deepEqual((await runScript(one)).calls, plainCalls(one))
      }),
    )
  })

  test('ends when a push or a pull says that the job is done', async () => {
    const { calls } = await runScript({ steps: 10, maxSteps: 2 })
    assert.deepEqual(calls.slice(-3), ['pushed 1', 'pull 2', 'weights 2'])
    const rarely = await runScript({ steps: 10, maxSteps: 2, fetchEvery: 5 })
    assert.deepEqual(rarely.calls.slice(-3), ['stepped 2', 'push 2', 'pushed 2'])
  })

  test('counts the version of a push of several steps from its oldest step', async () => {
    const { pushed } = await runScript({ steps: 6, pushEvery: 2, fetchEvery: 1 })
    assert.deepEqual(
      pushed.map(({ gradient, version }) => [gradient, version]),
      [
        [11, 0],
        [1100, 1],
        [110000, 2],
      ],
    )
  })

  test('pushes no step on weights that a restarted server has lost', async () => {
    // The second push finds the server restarted, after a third step on the lost weights.
    const { pushed } = await runScript({ steps: 6, pushEvery: 2, fetchEvery: 1, results: ['applied', 'incarnation'] })
    assert.deepEqual(pushed.at(-1), { gradient: 110000, version: 1, incarnation: 8 })
  })
})

for (const prefetch of [false, true])
  test(`pushes that are not finite end the worker after maxNonFinite in a row; an applied one resets the count${prefetch ? ', also with prefetch' : ''}`, async () => {
    const run = new ScriptedRun()
    await runScript(
      { steps: 6, prefetch, results: ['nonfinite', 'nonfinite', 'applied', 'nonfinite', 'nonfinite'] },
      run,
    )
    assert.equal(run.pushed.length, 6)
    const results: PushResult[] = ['applied', 'nonfinite', 'nonfinite', 'nonfinite']
    await assert.rejects(runScript({ steps: 6, prefetch, results }), {
      code: 'NON_FINITE',
      message: /^3 gradients in a row.*lower the learning rate/,
    })
    await assert.rejects(runScript({ steps: 6, prefetch, badSteps: [1, 2, 3] }), { code: 'NON_FINITE' })
  })

test('a sum is pushed without gradients that are not finite, and ends the row of those, however many they are', async () => {
  for (const leftOut of [2, 3]) assert.equal((await runScript({ steps: 6, leftOut })).pushed.length, 6)
})

test('the gradients of a step without any finite one count together', async () => {
  const run = runScript({ steps: 6, leftOut: 2, badSteps: [3] })
  await assert.rejects(run, { code: 'NON_FINITE', message: /^3 gradients in a row/ })
})

/** The loop, written out. */
function plainCalls({ steps, fetchEvery = 1, pushEvery = 1, results = [], badSteps = [] }: Script): string[] {
  const calls: string[] = []
  let [mustPull, pulls, pushes, summed, version] = [true, 0, 0, 0, 0]
  let isNew = true
  for (let step = 0; step <= steps; step++) {
    if (mustPull || step % fetchEvery === 0) {
      calls.push(`pull ${pulls}`, `weights ${pulls++}`)
      if (mustPull || isNew) calls.push(`load ${version}`)
      mustPull = isNew = false
    }
    if (step === steps) break
    calls.push(`step ${step}`, `stepped ${step}`)
    if (badSteps.includes(step)) continue
    if (++summed < pushEvery) continue
    const result = results[pushes] ?? 'applied'
    calls.push(`push ${pushes}`, `pushed ${pushes++}`)
    summed = 0
    if (result === 'applied') version++
    isNew ||= result === 'applied'
    mustPull = result !== 'applied' && result !== 'duplicate'
  }
  return calls
}
