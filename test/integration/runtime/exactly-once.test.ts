/**
 * Counts how often each push is applied over a faulty network: each push has gradient -1 at its own weight, with learning
 * rate 1, so that the weight equals the number of applications. They are integers in float32, so no tolerance is needed.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { PushResult } from '../../../src/contract/exchange.ts'
import { createRandom, type Random } from '../../../src/support/random.ts'
import type { ModelLayout } from '../../../src/wire/layout.ts'
import { makeLayout } from '../../../src/wire/layout.ts'
import type { PushRequest } from '../../../src/worker/client.ts'
import { makeConfig, variable } from '../../unit/ps/fixtures.ts'
import { type Fleet, startFleet } from './harness.ts'

const WORKERS = 2
const PUSHES_EACH = 60
const PUSHES = WORKERS * PUSHES_EACH
const FAULTS = 24
const SEED = Number(process.env.SEED ?? Date.now() % 1_000_000)

/** One variable on each shard, each with a weight for every push, because each shard applies a push by itself. */
function layoutFor(shards: number): ModelLayout {
  return makeLayout(Array.from({ length: shards }, (_, i) => variable(`w${i}`, PUSHES)))
}

interface PushAnswer {
  index: number
  result: PushResult
  /** It was applied between these global steps: that of its weights and that of the answer. */
  steps: [number, number]
  /** `World.phase` when it was sent and when it was answered. */
  phases: [number, number]
}

interface World {
  answers: PushAnswer[]
  /** Even: the servers run after phase / 2 restarts; odd: they are being restarted. */
  phase: number
  /** The step that each start restored. */
  restored: number[]
}

describe('pushes over a network that cuts, loses and delays', { concurrency: false }, () => {
  for (const shards of [1, 2])
    test(`are applied at most once, and acknowledged ones are not lost (${shards} shards)`, async () => {
      const config = makeConfig({ checkpoint: { path: 'oracle', everySteps: 10, keep: 3, keepBest: 0, keepSteps: [] } })
      const fleet = await startFleet(config, { shards })
      const world: World = { answers: [], phase: 0, restored: [0] }
      const layout = layoutFor(shards)
      try {
        let over = false
        const work = Promise.all(Array.from({ length: WORKERS }, (_, index) => pushAll(fleet, layout, index, world)))
        const chaos = disturb(fleet, world, createRandom(SEED + shards), () => over)
        await work.finally(() => {
          over = true
        })
        await chaos
        checkApplied(await finalWeights(fleet, layout), world)
      } finally {
        await fleet.close()
      }
    })
})

async function pushAll(fleet: Fleet, layout: ModelLayout, worker: number, world: World): Promise<void> {
  const client = await fleet.connect(worker, layout)
  for (let i = 0; i < PUSHES_EACH; i++) {
    await client.pull()
    const index = worker * PUSHES_EACH + i
    const sent = world.phase
    const { base } = client
    const { result, step } = await client.push({ ...onePush(layout, index), base })
    world.answers.push({ index, result, steps: [base[0]?.version ?? 0, step], phases: [sent, world.phase] })
  }
  await client.close()
}

function onePush(layout: ModelLayout, index: number): Omit<PushRequest, 'base'> {
  const gradients = layout.variables.map(({ name }) => {
    const gradient = new Float32Array(PUSHES)
    gradient[index] = -1
    return [name, gradient] as const
  })
  return { gradients: new Map(gradients), statistics: new Map(), batches: 1, loss: 1, examples: 1 }
}

/** Injects one fault after another, each after a random number of answers. */
async function disturb(fleet: Fleet, world: World, random: Random, isOver: () => boolean): Promise<void> {
  for (let fault = 0; fault < FAULTS; fault++) {
    const until = world.answers.length + random.int(1 + PUSHES / FAULTS)
    while (world.answers.length < until && !isOver()) await turn()
    if (isOver()) return
    const proxy = fleet.proxies[random.int(fleet.proxies.length)]
    switch (random.int(6)) {
      case 0:
        proxy?.cut()
        break
      case 1: // The push arrives, its answer does not.
        proxy?.blackhole('response')
        for (let i = 0; i < 20; i++) await turn()
        proxy?.cut()
        proxy?.heal()
        break
      case 2: // The connection is cut within a frame.
        proxy?.truncateAfter(1 + random.int(4 * PUSHES), 'request')
        break
      case 3:
        proxy?.truncateAfter(1 + random.int(4 * PUSHES), 'response')
        break
      case 4: // An earlier push arrives after a later one over another connection.
        proxy?.delay(1 + random.int(8), 'request')
        break
      default:
        await restart(fleet, world)
    }
  }
  for (const proxy of fleet.proxies) proxy.heal()
}

async function restart(fleet: Fleet, world: World): Promise<void> {
  world.phase++
  await fleet.restart()
  world.restored.push(fleet.step())
  world.phase++
}

function checkApplied(weights: Map<string, number[]>, { answers, restored }: World): void {
  const facts = `seed ${SEED}, restored ${restored}`
  for (const [name, values] of weights) {
    assert.ok(
      values.every((value) => value === 0 || value === 1),
      `${facts}: ${name} has ${values.find((value) => value !== 0 && value !== 1)}`,
    )
    // Steps are those of shard 0, so losses of another shard are known only without any restart.
    if (name !== 'w0' && restored.length > 1) continue
    for (const push of answers) {
      const expected = timesApplied(push, restored, weights.size)
      if (expected !== 'unknown')
        assert.equal(values[push.index], expected, `${facts}: ${name}, ${JSON.stringify(push)}`)
    }
  }
  assert.equal(answers.length, PUSHES)
}

/** @returns the expected final value on shard 0; undefined if both 0 and 1 are possible */
function timesApplied({ result, steps, phases }: PushAnswer, restored: number[], shards: number): 0 | 1 | 'unknown' {
  // It is unknown which start answered a push that was sent before a restart and answered after it.
  if (phases[0] !== phases[1] || phases[0] % 2 === 1) return 'unknown'
  // With two shards, the other one may have given this answer.
  if (result === 'incarnation' && shards > 1) return 'unknown'
  if (result !== 'applied' && result !== 'duplicate') return 0
  const from = Math.min(...restored.slice(phases[0] / 2 + 1))
  if (from >= steps[1]) return 1
  // A duplicate has the step of its second answer, not the one at which it was applied.
  return result === 'applied' || from <= steps[0] ? 0 : 'unknown'
}

async function finalWeights(fleet: Fleet, layout: ModelLayout): Promise<Map<string, number[]>> {
  const reader = await fleet.connect(WORKERS, layout)
  const { weights } = await reader.pull()
  const values = new Map([...weights].map(([name, floats]) => [name, [...floats]]))
  await reader.close()
  return values
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
