import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type JobStatus, PHASES, type Phase } from '../../../src/api/status.ts'
import { decide } from '../../../src/operator/decide.ts'
import { countRunning, runningForSeconds } from '../../../src/operator/running-time.ts'
import { coordinator, NOW, observed, pod, pretrainJob } from './builders.ts'

const at = (seconds: number) => new Date(seconds * 1000).toISOString()

test('time in phase Running counts from the change of phase, and stays when the phase changes again', () => {
  const begun = countRunning(undefined, 'Running', 10_000)
  assert.deepEqual(begun, { runningSince: at(10) })
  assert.deepEqual(countRunning(begun, 'Running', 15_000), begun, 'a running job causes no writes')
  assert.equal(runningForSeconds(begun, 15_000), 5)
  const suspended = countRunning(begun, 'Suspended', 30_000)
  assert.deepEqual(suspended, { runningSeconds: 20 })
  assert.equal(runningForSeconds(suspended, 90_000), 20)
  const resumed = countRunning(suspended, 'Running', 100_000)
  assert.deepEqual(countRunning(resumed, 'Succeeded', 107_000), { runningSeconds: 27 })
})

test('the status keeps the time over a restart of the operator, and adds none while the job is suspended', () => {
  const pods = [pod('ps', 0), pod('worker', 0), pod('worker', 1)]
  const world = observed(pods, { coordinator: coordinator() })
  /** Each decision is that of another operator, which knows only what is stored. */
  const decideAt = (seconds: number, before: JobStatus | undefined, spec = {}, seen = world) => {
    const status = before && (JSON.parse(JSON.stringify(before)) as JobStatus)
    return decide(pretrainJob({ spec, status }), seen, NOW + seconds * 1000).status
  }
  const running = decideAt(30, decideAt(0, undefined))
  assert.deepEqual([running.phase, running.runningSince], ['Running', new Date(NOW).toISOString()])
  assert.equal(runningForSeconds(running, NOW + 40_000), 40)
  const none = observed([], { service: undefined })
  const suspended = decideAt(500, decideAt(60, running, { suspend: true }, none), { suspend: true }, none)
  assert.equal(suspended.phase, 'Suspended')
  const { runningSeconds, runningSince } = suspended
  assert.deepEqual([runningSeconds, runningSince], [60, undefined])
  const resumed = decideAt(1000, suspended)
  assert.equal(resumed.phase, 'Running')
  assert.equal(runningForSeconds(resumed, NOW + 1_010_000), 70)
})

test('a job that never ran has no running time', () => {
  assert.deepEqual(countRunning(undefined, 'Pending', 10_000), {})
  assert.equal(runningForSeconds({}, 10_000), 0)
})

test('over any sequence of phases it is the sum of the times in Running, up to rounding at each end', () => {
  const changes = fc.array(fc.tuple(fc.constantFrom(...PHASES), fc.integer({ min: 0, max: 1_000_000 })), {
    maxLength: 20,
  })
  fc.assert(
    fc.property(changes, (steps) => {
      let [nowMs, expectedMs] = [0, 0]
      let before: { phase: Phase; time: ReturnType<typeof countRunning> } = { phase: 'Pending', time: {} }
      for (const [phase, waitMs] of steps) {
        if (before.phase === 'Running') expectedMs += waitMs
        nowMs += waitMs
        before = { phase, time: countRunning(before.time, phase, nowMs) }
      }
      assert.ok(Math.abs(runningForSeconds(before.time, nowMs) - expectedMs / 1000) <= steps.length / 2)
    }),
  )
})
