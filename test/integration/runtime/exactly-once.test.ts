/**
 * The exactly-once oracle behind a network that lies: one weight a push, gradient -1 at an index of its own, learning
 * rate 1, so that in the end a weight says how often its push was applied. Integers in float32: no tolerance.
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

/** One variable a shard, each with a weight for every push: a push counts on each shard by itself. */
function layoutFor(shards: number): ModelLayout {
  return makeLayout(Array.from({ length: shards }, (_, i) => variable(`w${i}`, PUSHES)))
}

interface Told {
  index: number
  result: PushResult
  /** Global steps between which it was applied: of the weights that it was computed on, and of the answer. */
  steps: [number, number]
  /** `World.phase` when it was sent, and when it was answered. */
  phases: [number, number]
}

interface World {
  told: Told[]
  /** Even: the servers live, for the (phase / 2)th time; odd: they are being restarted. */
  phase: number
  /** Step that each life started from. */
  restored: number[]
}

describe('pushes through a network that cuts, loses and delays', { concurrency: false }, () => {
  for (const shards of [1, 2])
    test(`are applied at most once, and acknowledged ones are not lost (${shards} shards)`, async () => {
      const config = makeConfig({ checkpoint: { path: 'oracle', everySteps: 10, keep: 3, keepBest: 0, keepSteps: [] } })
      const fleet = await startFleet(config, { shards })
      const world: World = { told: [], phase: 0, restored: [0] }
      const layout = layoutFor(shards)
      try {
        let over = false
        const work = Promise.all(Array.from({ length: WORKERS }, (_, index) => pushAll(fleet, layout, index, world)))
        const chaos = disturb(fleet, world, createRandom(SEED + shards), () => over)
        await work.finally(() => {
          over = true
        })
        await chaos
        judge(await finalWeights(fleet, layout), world)
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
    world.told.push({ index, result, steps: [base[0]?.version ?? 0, step], phases: [sent, world.phase] })
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

/** One fault after another, each after so many more answers as the seed says. */
async function disturb(fleet: Fleet, world: World, random: Random, isOver: () => boolean): Promise<void> {
  for (let fault = 0; fault < FAULTS; fault++) {
    const until = world.told.length + random.int(1 + PUSHES / FAULTS)
    while (world.told.length < until && !isOver()) await turn()
    if (isOver()) return
    const proxy = fleet.proxies[random.int(fleet.proxies.length)]
    switch (random.int(6)) {
      case 0:
        proxy?.cut()
        break
      case 1: // the push arrives, its answer does not
        proxy?.blackhole('response')
        for (let i = 0; i < 20; i++) await turn()
        proxy?.cut()
        proxy?.heal()
        break
      case 2: // within a frame
        proxy?.truncateAfter(1 + random.int(4 * PUSHES), 'request')
        break
      case 3:
        proxy?.truncateAfter(1 + random.int(4 * PUSHES), 'response')
        break
      case 4: // what was sent first arrives after what was sent later over another connection
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

function judge(weights: Map<string, number[]>, { told, restored }: World): void {
  const facts = `seed ${SEED}, restored ${restored}`
  for (const [name, values] of weights) {
    assert.ok(
      values.every((value) => value === 0 || value === 1),
      `${facts}: ${name} has ${values.find((value) => value !== 0 && value !== 1)}`,
    )
    // The steps are those of shard 0: what another shard lost is known only where nothing was lost at all.
    if (name !== 'w0' && restored.length > 1) continue
    for (const push of told) {
      const expected = timesApplied(push, restored, weights.size)
      if (expected !== 'unknown')
        assert.equal(values[push.index], expected, `${facts}: ${name}, ${JSON.stringify(push)}`)
    }
  }
  assert.equal(told.length, PUSHES)
}

/** What shard 0 holds in the end; unknown: 0 or 1. */
function timesApplied({ result, steps, phases }: Told, restored: number[], shards: number): 0 | 1 | 'unknown' {
  // Which life answered a push that was under way during a restart cannot be told.
  if (phases[0] !== phases[1] || phases[0] % 2 === 1) return 'unknown'
  // Of two shards, the other may have said so.
  if (result === 'incarnation' && shards > 1) return 'unknown'
  if (result !== 'applied' && result !== 'duplicate') return 0
  const from = Math.min(...restored.slice(phases[0] / 2 + 1))
  if (from >= steps[1]) return 1
  // A duplicate tells the step of its second answer, not the one that it was applied at.
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
