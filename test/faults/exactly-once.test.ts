/**
 * The exactly-once oracle: a model with one weight a push. Each push has gradient -1 at an index of its own and the
 * learning rate is 1, so that in the end a weight says how often its push was applied. Integers: no tolerance.
 */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { encodeClasses } from '../../src/contract/classes.ts'
import { PORTS, type RuntimeConfig } from '../../src/contract/runtime.ts'
import { silentLog } from '../../src/support/log.ts'
import { createRandom } from '../../src/support/random.ts'
import { makeLayout } from '../../src/wire/layout.ts'
import { connectShards, type ShardClient } from '../../src/worker/client.ts'
import { eventually } from '../support/eventually.ts'
import { makeConfig } from '../unit/ps/fixtures.ts'
import { createPsProcess, type PsProcess } from './ps-process.ts'

const WORKERS = 3
const PUSHES_EACH = 150
const KILLS = 5
const CHECKPOINT_EVERY = 20
const JOB_UID = 'oracle'
const SEED = Number(process.env.SEED ?? Date.now() % 1_000_000)

const layout = makeLayout([
  { name: 'w', shape: [WORKERS * PUSHES_EACH], kind: 'trainable', decay: false, init: { type: 'zeros' } },
])

/** What a worker was told of one push. */
interface Told {
  index: number
  /** Applied or duplicate: it counts. */
  acknowledged: boolean
  /** Global step when it was answered. */
  step: number
  /** How often the server had been killed when it was sent, and when it was answered. */
  lives: [number, number]
}

let folder: string
let server: PsProcess
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'downpour-oracle-'))
  server = createPsProcess(config(), folder)
  server.start()
})
after(async () => {
  await server.kill()
  await rm(folder, { recursive: true, force: true })
})

test('no push is applied twice and none that was acknowledged is lost, but for a suffix after a checkpoint', async () => {
  const lives = { now: 0, restoredSteps: [0] }
  const told: Told[] = []
  const stop = new AbortController()
  const workers = Array.from({ length: WORKERS }, (_, worker) => pushAll(worker, told, lives, stop.signal))
  await killAtRandom(told, lives)
  await Promise.all(workers)
  const weights = await finalWeights(stop.signal)
  stop.abort()

  assert.ok(
    weights.every((value) => value === 0 || value === 1),
    `seed ${SEED}: a push was applied more than once: ${weights.find((value) => value > 1)}`,
  )
  // Which of two servers answered a push that was under way during a kill cannot be told: 0 or 1, as seen above.
  for (const one of told.filter(({ lives: [sent, answered] }) => sent === answered)) {
    const isLost = lives.restoredSteps.slice(one.lives[0] + 1).some((restored) => restored < one.step)
    const expected = one.acknowledged && !isLost ? 1 : 0
    assert.equal(weights[one.index], expected, `seed ${SEED}: push ${JSON.stringify(one)}, ${JSON.stringify(lives)}`)
  }
  assert.ok(told.filter(({ acknowledged }) => acknowledged).length > PUSHES_EACH, `seed ${SEED}: hardly a push arrived`)
})

/** One push after another, each index once: a push that was refused is not tried again. */
async function pushAll(worker: number, told: Told[], lives: { now: number }, signal: AbortSignal): Promise<void> {
  const client = await connect(worker, signal)
  for (let i = 0; i < PUSHES_EACH; i++) {
    await client.pull()
    const index = worker * PUSHES_EACH + i
    const gradient = new Float32Array(WORKERS * PUSHES_EACH)
    gradient[index] = -1
    const sent = lives.now
    const { result, step } = await client.push({
      gradients: new Map([['w', gradient]]),
      statistics: new Map(),
      batches: 1,
      loss: 1,
      examples: 1,
      base: client.base,
    })
    told.push({ index, acknowledged: result === 'applied' || result === 'duplicate', step, lives: [sent, lives.now] })
  }
  await client.close()
}

/** Kills the server after so many answers as the seed says, each time, and starts another at once. */
async function killAtRandom(told: Told[], lives: { now: number; restoredSteps: number[] }): Promise<void> {
  const random = createRandom(SEED)
  for (let kill = 0; kill < KILLS; kill++) {
    const after = told.length + 10 + random.int(50)
    while (told.length < after) await new Promise((resolve) => setImmediate(resolve))
    await server.kill()
    server.start()
    lives.restoredSteps.push(await restoredStep(++lives.now))
  }
}

/** Of the server's n-th life, from its own log. */
async function restoredStep(life: number): Promise<number> {
  let step: number | undefined
  await eventually(() => {
    const starts = [...server.output().matchAll(/"restoredStep":(null|\d+),"msg":"parameter server listens"/g)]
    step = starts[life] && Number(starts[life][1] === 'null' ? 0 : starts[life][1])
    assert.notEqual(step, undefined, server.output().slice(-500))
  })
  return step as number
}

async function finalWeights(signal: AbortSignal): Promise<number[]> {
  const reader = await connect(WORKERS, signal)
  const { weights } = await reader.pull()
  const values = [...(weights.get('w') ?? [])]
  await reader.close()
  return values
}

function connect(index: number, signal: AbortSignal): Promise<ShardClient> {
  const identity = { index, podUid: `pod-${index}`, attempt: 0 }
  const options = {
    hosts: [server.host],
    port: PORTS.wire,
    identity,
    jobUid: JOB_UID,
    layout,
    dataUnits: 1,
    classes: encodeClasses([]),
  }
  return connectShards({ ...options, signal, log: silentLog })
}

function config(): RuntimeConfig {
  const { job, checkpoint } = makeConfig()
  return makeConfig({ job: { ...job, uid: JOB_UID }, checkpoint: { ...checkpoint, everySteps: CHECKPOINT_EVERY } })
}
