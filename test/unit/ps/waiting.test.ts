/**
 * Policies that make workers wait: how far workers may be apart, and that no job stands still, whoever joins, leaves, or is
 * replaced, with messages to several parameter servers in any order.
 */
import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import fc from 'fast-check'
import type { AsyncPolicy } from '../../../src/contract/training.ts'
import type { Training } from '../../../src/ps/training.ts'
import { body, makeConfig, makeTraining, push, variable, worker } from './fixtures.ts'

const WORKERS = 5
const ONE = body(-1)

interface Connected {
  podUid: string
  seq: number
  /** Versions that it has pulled, by shard; it pulls from one shard after the other. */
  bases: number[]
  /** Shards that its present push has not reached yet; undefined: it pulls. */
  under: Set<number> | undefined
  pushes: number
}

/** Parameter servers and workers. Each message is one step of a worker, so that any order of messages can be tried. */
class Fleet {
  readonly shards: readonly Training[]
  readonly workers = new Map<number, Connected>()
  #pods = 0

  constructor(policy: AsyncPolicy, shards: number, warmStartSteps: number) {
    const config = makeConfig({ topology: { parameterServers: 1, workers: WORKERS, psHosts: ['127.0.0.1'] } })
    const jobConfig = { ...config, async: { ...config.async, policy, warmStartSteps } }
    this.shards = Array.from({ length: shards }, (_, index) => makeTraining(jobConfig, [variable('w', 1)], { index }))
  }

  /** A new pod connects, and replaces the pod of this index if there is one. */
  join(index: number): void {
    const podUid = `pod-${index}-${this.#pods++}`
    for (const shard of this.shards)
      if (shard.workers.admit({ index, podUid }, 0, () => true)) shard.forget({ index, podUid })
    this.workers.set(index, { podUid, seq: 0, bases: [], under: undefined, pushes: 0 })
  }

  leave(index: number): void {
    const known = this.workers.get(index)
    for (const shard of known ? this.shards : []) shard.leave(worker(index, known?.podUid))
    this.workers.delete(index)
  }

  /** The connection to one parameter server breaks. The worker goes on where it was as soon as it has reconnected. */
  cut(index: number, choice: number): void {
    const known = this.workers.get(index)
    if (known) this.shards[choice % this.shards.length]?.leave(worker(index, known.podUid))
  }

  /** @returns whether the worker got any further */
  act(index: number, choice: number): boolean {
    const known = this.workers.get(index)
    if (!known) return false
    return known.under ? this.#push(index, known, known.under, choice) : this.#pull(index, known)
  }

  /** The requests of all workers that wait have been open for as long as they may be. */
  pass(): void {
    for (const [index, { podUid, bases, under }] of this.workers)
      if (!under) this.shards[bases.length]?.noteWaited(worker(index, podUid))
  }

  #pull(index: number, known: Connected): boolean {
    const shard = this.shards[known.bases.length] as Training
    const who = worker(index, known.podUid)
    if (shard.mustWait(who)) return false
    shard.notePull(who)
    known.bases.push(shard.version)
    if (known.bases.length < this.shards.length) return true
    known.seq++
    known.under = new Set(this.shards.keys())
    return true
  }

  #push(index: number, known: Connected, under: Set<number>, choice: number): boolean {
    const to = [...under][choice % under.size] as number
    const sent = push(known.seq, { baseVersion: known.bases[to] as number })
    const result = this.shards[to]?.push(worker(index, known.podUid), sent, ONE)
    assert.ok(result === 'applied' || result === 'stale', result)
    under.delete(to)
    if (under.size > 0) return true
    Object.assign(known, { bases: [], under: undefined, pushes: known.pushes + 1 })
    return true
  }
}

const event = fc.record({
  what: fc.oneof(
    { weight: 15, arbitrary: fc.constant('act' as const) },
    { weight: 3, arbitrary: fc.constantFrom('join' as const, 'leave' as const, 'cut' as const) },
    { weight: 1, arbitrary: fc.constant('pass' as const) },
  ),
  who: fc.nat({ max: WORKERS - 1 }),
  choice: fc.nat({ max: 2 }),
})
const policies = fc.oneof(
  fc.record({ type: fc.constant('boundedDelay' as const), maxDelay: fc.nat({ max: 3 }) }),
  fc.record({ type: fc.constant('syncBackup' as const), backups: fc.nat({ max: WORKERS - 1 }) }),
)

test('every connected worker goes on, whatever happened before', () => {
  fc.assert(
    fc.property(
      policies,
      fc.integer({ min: 1, max: 3 }),
      fc.nat({ max: 2 }),
      fc.array(event, { maxLength: 250, size: 'max' }),
      (policy, servers, warmStartSteps, events) => {
        const fleet = new Fleet(policy, servers, warmStartSteps)
        for (const { what, who, choice } of events) fleet[what](who, choice)
        const isWarmStart = (fleet.shards[0]?.version ?? 0) < warmStartSteps
        if (isWarmStart && !fleet.workers.has(0)) fleet.join(0)
        const wanted = new Map([...fleet.workers].map(([index, { pushes }]) => [index, pushes + 3]))
        const isShort = () => [...wanted].some(([index, count]) => (fleet.workers.get(index)?.pushes ?? 0) < count)
        for (let round = 0; isShort(); round++) {
          const move = () => [...fleet.workers.keys()].filter((index) => fleet.act(index, round)).length
          if (move() > 0) continue
          fleet.pass()
          assert.ok(move() > 0, 'all workers wait')
          assert.ok(round < 2000, 'a worker waits for ever')
        }
      },
    ),
    { numRuns: 2000 },
  )
})

describe('with boundedDelay', () => {
  const bounded = (maxDelay: number) => new Fleet({ type: 'boundedDelay', maxDelay }, 2, 0)

  test('no worker begins a step that is more than maxDelay ahead of one that has been there all the time', () => {
    fc.assert(
      fc.property(
        fc.nat({ max: 3 }),
        fc.array(fc.nat({ max: WORKERS - 1 }), { maxLength: 300, size: 'max' }),
        (maxDelay, turns) => {
          const fleet = bounded(maxDelay)
          for (let index = 0; index < WORKERS; index++) fleet.join(index)
          for (let index = 0; index < WORKERS; index++) while (!fleet.workers.get(index)?.under) fleet.act(index, 0)
          for (const index of turns) {
            fleet.act(index, 0)
            const steps = [...fleet.workers.values()].map(({ seq }) => seq)
            // seq counts the step under way: the worker may begin it if the slowest has pushed enough.
            assert.ok(Math.max(...steps) - Math.min(...steps) <= maxDelay + 1, `${steps}`)
          }
        },
      ),
    )
  })

  test('a late worker begins where the slowest is, and holds up the others from there', () => {
    const fleet = bounded(1)
    fleet.join(0)
    for (let i = 0; i < 40; i++) fleet.act(0, 0)
    fleet.join(1)
    while (!fleet.workers.get(1)?.under) fleet.act(1, 0)
    const before = fleet.workers.get(0)?.pushes ?? 0
    for (let i = 0; i < 40; i++) fleet.act(0, 0)
    assert.equal((fleet.workers.get(0)?.pushes ?? 0) - before, 2)
    fleet.leave(1)
    assert.equal(fleet.act(0, 0), true)
  })

  test('a pod that takes the place of another is waited for from its first pull on', () => {
    const fleet = bounded(0)
    for (const index of [0, 1]) fleet.join(index)
    for (const index of [0, 1]) while (!fleet.workers.get(index)?.under) fleet.act(index, 0)
    fleet.join(1)
    for (let i = 0; i < 40; i++) assert.equal(fleet.act(0, 0), true)
  })

  test('a push whose worker had disconnected when it was applied makes nobody wait for that worker', () => {
    const fleet = bounded(0)
    for (const index of [0, 1]) fleet.join(index)
    for (const index of [0, 1]) while (!fleet.workers.get(index)?.under) fleet.act(index, 0)
    const [first] = fleet.shards
    const gone = fleet.workers.get(1) as Connected
    fleet.leave(1)
    first?.push(worker(1, gone.podUid), push(1), ONE)
    for (let i = 0; i < 40; i++) assert.equal(fleet.act(0, 0), true)
  })
})

describe('with syncBackup', () => {
  const training = (backups: number, index = 0) => {
    const config = makeConfig({ topology: { parameterServers: 1, workers: 3, psHosts: ['127.0.0.1'] } })
    const updates: number[] = []
    const policy = { type: 'syncBackup' as const, backups }
    const one = makeTraining({ ...config, async: { ...config.async, policy } }, [variable('w', 1)], {
      index,
      onUpdated: (version) => void updates.push(version),
    })
    for (const index of [0, 1, 2]) {
      one.workers.admit(worker(index), 0, () => true)
      one.notePull(worker(index))
    }
    return { training: one, updates, send: (index: number) => one.push(worker(index), push(1), ONE) }
  }
  /** Worker 0 waits for as long as a request may be open. */
  async function waitFully(t: TestContext, one: Training): Promise<void> {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const turn = one.turn(worker(0))
    t.mock.timers.tick(1000)
    await turn
  }
  const rows = (one: Training) => one.capture().workers.map(({ lastSeq, contributed }) => [lastSeq, contributed])

  test('a checkpoint has no gradient that waits for others, nor the row of its push', () => {
    const { training: one, updates, send } = training(0)
    assert.deepEqual([send(0), send(1)], ['applied', 'applied'])
    assert.deepEqual(rows(one), [[0, false], [0, false], [0, false]]) // biome-ignore format: one row
    assert.deepEqual([one.capture().version, ...one.capture().copy.weights], [0, 0])
    assert.deepEqual([send(0), send(2)], ['duplicate', 'applied'])
    assert.deepEqual(rows(one), [[1, true], [1, true], [1, true]]) // biome-ignore format: one row
    assert.deepEqual([one.capture().version, ...one.capture().copy.weights], [1, 1])
    assert.deepEqual(updates, [1])
  })

  test('the gradient of a worker that was replaced counts, and the new pod does not wait for its update', () => {
    const { training: one, updates, send } = training(0)
    send(0)
    const next = worker(0, 'next')
    one.workers.admit(next, 1, () => true)
    one.forget(next)
    assert.equal(one.mustWait(next), false)
    send(1)
    assert.deepEqual(updates, [1], 'two gradients, and two workers that have pulled')
  })

  test('a departure that completes an update is made after the checkpoint that holds up the pushes', async () => {
    const { training: one, updates, send } = training(0)
    for (const index of [0, 1]) send(index)
    const saved = Promise.withResolvers<void>()
    one.held = saved.promise.then(() => {
      one.held = undefined
    })
    one.leave(worker(2))
    assert.deepEqual(updates, [])
    saved.resolve()
    await one.held
    await Promise.resolve()
    assert.deepEqual(updates, [1])
  })

  test('a server other than the first lets a worker go on after one wait, and drops its second gradient of the same weights', async (t) => {
    const { training: one, updates, send } = training(0, 1)
    send(0)
    await waitFully(t, one)
    assert.equal(one.mustWait(worker(0)), false)
    assert.equal(one.push(worker(0), push(2), ONE), 'stale')
    for (const index of [1, 2]) send(index)
    assert.deepEqual(updates, [1])
    one.push(worker(0), push(3, { baseVersion: 1 }), ONE)
    assert.equal(one.mustWait(worker(0)), true)
  })

  test('the first server makes a worker wait for as long as its update takes', async (t) => {
    const { training: one, send } = training(0)
    send(0)
    await waitFully(t, one)
    assert.equal(one.mustWait(worker(0)), true)
    assert.equal(one.push(worker(0), push(2), ONE), 'wait')
  })

  test('statistics of batch norm are those of the mean of the gradients', () => {
    const config = makeConfig({ topology: { parameterServers: 1, workers: 2, psHosts: ['127.0.0.1'] } })
    const policy = { type: 'syncBackup' as const, backups: 0 }
    const variables = [variable('w', 1), variable('mean', 1, { kind: 'statistic' })]
    const one = makeTraining({ ...config, async: { ...config.async, policy } }, variables)
    for (const index of [0, 1]) one.notePull(worker(index))
    one.push(worker(0), push(1), body(-1, 4))
    one.push(worker(1), push(1), body(-2, 8))
    assert.deepEqual([...one.shard.weights], [1.5, 0.5 * 6])
  })

  test('a gradient that is not finite takes no part, and its worker may push again', () => {
    const { training: one, updates, send } = training(1)
    assert.equal(one.push(worker(0), push(1), body(Number.NaN)), 'nonfinite')
    assert.equal(one.push(worker(0), push(2), ONE), 'applied')
    send(1)
    assert.deepEqual([updates, ...one.shard.weights], [[1], 1])
  })
})

test('a pull waits until its turn comes, and is told to ask again after a while', async () => {
  const fleet = new Fleet({ type: 'boundedDelay', maxDelay: 0 }, 1, 0)
  for (const index of [0, 1]) fleet.join(index)
  for (const index of [0, 1]) fleet.act(index, 0)
  fleet.act(0, 0)
  const [one] = fleet.shards as [Training]
  const who = worker(0, fleet.workers.get(0)?.podUid)
  assert.equal(one.mustWait(who), true)
  const turn = one.turn(who)
  fleet.act(1, 0)
  await turn
  assert.equal(one.mustWait(who), false)
})
