/** The training loop with `async.prefetch`: what happens while it computes, and in which order. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setImmediate as aTurn } from 'node:timers/promises'
import fc from 'fast-check'
import type { PushResult } from '../../../src/contract/exchange.ts'
import { runScript, type Script, ScriptedRun } from './scripted-run.ts'

const prefetch = true

/** A step that is over only when the worker has sent the last gradient and has the next weights. */
const untilExchanged: Script['whileComputing'] = async (step, run) => {
  await run.seen(`weights ${step + 1}`)
  if (step > 0) assert.ok(run.calls.includes(`pushed ${step - 1}`))
}

const positionOf = ({ calls }: ScriptedRun, call: string) => {
  assert.ok(calls.includes(call), `no '${call}' in ${calls}`)
  return calls.indexOf(call)
}

describe('with prefetch a worker', () => {
  test('sends the last gradient while it computes, and then pulls the next weights', async () => {
    const { calls } = await runScript({ steps: 3, prefetch, whileComputing: untilExchanged })
    assert.deepEqual(calls, [
      ...['pull 0', 'weights 0', 'pull 1', 'load 0', 'step 0', 'weights 1', 'stepped 0'],
      ...['push 0', 'load 0', 'step 1', 'pushed 0', 'pull 2', 'weights 2', 'stepped 1'],
      ...['push 1', 'load 1', 'step 2', 'pushed 1', 'pull 3', 'weights 3', 'stepped 2'],
      ...['push 2', 'load 2', 'pushed 2', 'pull 4', 'weights 4'],
    ])
  })

  test('names the weights that a gradient was computed on: one update older than the newest', async () => {
    const { pushed } = await runScript({ steps: 5, prefetch })
    assert.deepEqual(
      pushed.map(({ version }) => version),
      [0, 0, 1, 2, 3],
    )
  })

  test('waits for an exchange that takes longer than the step', async () => {
    const run = new ScriptedRun()
    const slow = Promise.withResolvers<void>()
    const beforeWeights: Script['beforeWeights'] = async (pull) => (pull === 2 ? slow.promise : undefined)
    const ended = runScript({ steps: 3, prefetch, beforeWeights }, run)
    await run.seen('stepped 1')
    assert.ok(!run.calls.includes('push 1'), 'one request at a time')
    slow.resolve()
    await ended
    assert.ok(positionOf(run, 'weights 2') < positionOf(run, 'push 1'))
    assert.ok(positionOf(run, 'weights 2') < positionOf(run, 'step 2'))
  })

  test('pulls every fetchEvery steps, and also after a push that was refused', async () => {
    const pulls = (run: ScriptedRun) => run.calls.filter((call) => call.startsWith('pull')).length
    const script: Script = { steps: 8, prefetch, fetchEvery: 4, whileComputing: seesPush }
    const regular = await runScript(script)
    // For the steps 0, 4 and 8, of which the last has no batch.
    assert.equal(pulls(regular), 3)
    for (const result of ['stale', 'incarnation', 'wait', 'nonfinite'] as const) {
      const run = await runScript({ ...script, results: [result] })
      assert.equal(pulls(run), 4, result)
      assert.ok(positionOf(run, 'pull 1') > positionOf(run, 'step 1'), 'one step later')
      assert.ok(positionOf(run, 'weights 1') < positionOf(run, 'step 2'))
    }
  })

  test('sends sums of pushEvery gradients with the version of the oldest', async () => {
    const { pushed } = await runScript({ steps: 6, prefetch, pushEvery: 2 })
    assert.deepEqual(
      pushed.map(({ gradient, version }) => [gradient, version]),
      [
        [11, 0],
        // The first push is answered during the third step, whose weights were pulled before it.
        [1100, 0],
        [110000, 1],
      ],
    )
  })

  test('drops the steps of a sum that a restarted server has lost', async () => {
    const results: PushResult[] = ['incarnation']
    const { pushed } = await runScript({ steps: 6, prefetch, pushEvery: 2, results })
    assert.deepEqual(
      pushed.map(({ gradient, incarnation }) => [gradient, incarnation]),
      [
        [11, 7],
        // Step 2 was computed on the lost weights, and is not in the sum.
        [11000, 8],
      ],
    )
  })

  test('loses no gradient: each is pushed once, in order, and the last one before the loop ends', async () => {
    const script = fc.record({
      // The sum of more would not be exact in float32.
      steps: fc.integer({ min: 1, max: 7 }),
      fetchEvery: fc.integer({ min: 1, max: 4 }),
      pushEvery: fc.integer({ min: 1, max: 4 }),
      prefetch: fc.constant(true),
      results: fc.array(fc.constantFrom<PushResult>('applied', 'duplicate', 'stale'), { maxLength: 12 }),
    })
    await fc.assert(
      fc.asyncProperty(script, async (one) => {
        const { pushed, calls } = await runScript(one)
        const whole = one.steps - (one.steps % one.pushEvery)
        const sum = pushed.reduce((total, { gradient }) => total + gradient, 0)
        assert.equal(sum, Number('1'.repeat(whole) || '0'))
        assert.equal(calls.filter((call) => call.startsWith('pushed')).length, pushed.length)
      }),
    )
  })

  test('computes at most one step after the job is done, and pushes and pulls no more', async () => {
    const { calls, pushed } = await runScript({ steps: 10, maxSteps: 2, prefetch, whileComputing: untilExchanged })
    assert.equal(pushed.length, 2)
    assert.deepEqual(calls.slice(-4), ['pushed 1', 'pull 3', 'weights 3', 'stepped 2'])
    const rarely = await runScript({ steps: 10, maxSteps: 2, prefetch, fetchEvery: 9, whileComputing: seesPush })
    assert.deepEqual(rarely.calls.slice(-2), ['pushed 2', 'stepped 3'])
  })

  test('ends with the error of an exchange that fails while it computes', async () => {
    const failed = Promise.withResolvers<void>()
    const beforeWeights: Script['beforeWeights'] = async (pull) => {
      if (pull !== 2) return
      failed.resolve()
      throw new DOMException('the pod ends', 'AbortError')
    }
    const whileComputing: Script['whileComputing'] = async (step) => {
      if (step === 1) await failed.promise
      // Nobody has waited for the failure yet: Node must not consider it unhandled.
      await aTurn()
    }
    const run = new ScriptedRun()
    const ended = runScript({ steps: 9, prefetch, beforeWeights, whileComputing }, run)
    await assert.rejects(ended, { name: 'AbortError', message: 'the pod ends' })
    assert.equal(run.calls.at(-1), 'stepped 1', 'the step in progress ends')
  })
})

/** A step that is over only when the gradient before it has its answer. */
async function seesPush(step: number, run: ScriptedRun): Promise<void> {
  if (step > 0) await run.seen(`pushed ${step - 1}`)
}
