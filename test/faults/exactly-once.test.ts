/**
 * Checks that no push is applied twice and that an acknowledged push is lost only if a kill rolls the server back to an
 * older checkpoint. The model has one weight for each push. Each push has gradient -1 at its own index and the learning
 * rate is 1, so in the end a weight is the number of times that its push was applied. The numbers are integers, so the
 * comparison needs no tolerance.
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
/** Index of the client that reads the final weights; the workers have the indices below. */
const READER_INDEX = WORKERS
const PUSHES_EACH = 150
const KILLS = 5
const CHECKPOINT_EVERY = 20
const STARTS_WITHIN_MS = 30_000
const JOB_UID = 'exactly-once'
const SEED = Number(process.env.SEED ?? Date.now() % 1_000_000)

const layout = makeLayout([
  { name: 'w', shape: [WORKERS * PUSHES_EACH], kind: 'trainable', decay: false, init: { type: 'zeros' } },
])

/** The server's answer to one push. */
interface PushAnswer {
  index: number
  /** Whether the answer was `applied` or `duplicate`. */
  acknowledged: boolean
  /** Global step in the answer. */
  step: number
  /** Number of kills of the server before the push was sent. */
  killsWhenSent: number
  /** Number of kills of the server before the push was answered. */
  killsWhenAnswered: number
}

interface Kills {
  count: number
  /** The step that each process of the server restored, the first one included. */
  restoredSteps: number[]
}

let folder: string
let server: PsProcess
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'downpour-exactly-once-'))
  server = createPsProcess(config(), folder)
  server.start()
})
after(async () => {
  await server.kill()
  await rm(folder, { recursive: true, force: true })
})

test('no push is applied twice, and only pushes after the restored checkpoint are lost', async () => {
  const kills: Kills = { count: 0, restoredSteps: [0] }
  const answers: PushAnswer[] = []
  const weights = await weightsAfterKills(answers, kills)

  assert.ok(
    weights.every((value) => value === 0 || value === 1),
    `seed ${SEED}: a weight is neither 0 nor 1: ${weights.find((value) => value !== 0 && value !== 1)}`,
  )
  // Skips pushes that were in flight during a kill: the killed process or its successor may have answered, so 0 and 1 are
  // both valid. The assertion above has checked that.
  for (const push of answers.filter(({ killsWhenSent, killsWhenAnswered }) => killsWhenSent === killsWhenAnswered)) {
    const isLost = kills.restoredSteps.slice(push.killsWhenSent + 1).some((restored) => restored < push.step)
    const expected = push.acknowledged && !isLost ? 1 : 0
    assert.equal(weights[push.index], expected, `seed ${SEED}: push ${JSON.stringify(push)}, ${JSON.stringify(kills)}`)
  }
  // More than one worker can send, so the server has applied pushes of several workers.
  assert.ok(
    answers.filter(({ acknowledged }) => acknowledged).length > PUSHES_EACH,
    `seed ${SEED}: too few pushes were acknowledged`,
  )
})

/** Pushes from all workers while the server is killed. @returns the weights after the last push */
async function weightsAfterKills(answers: PushAnswer[], kills: Kills): Promise<number[]> {
  const stop = new AbortController()
  try {
    const workers = Array.from({ length: WORKERS }, (_, worker) => pushAll(worker, answers, kills, stop.signal))
    await Promise.all([killAtRandom(answers, kills, stop.signal), ...workers])
    return await finalWeights(stop.signal)
  } finally {
    stop.abort()
  }
}

/** Sends one push for each index of the worker, in sequence; a refused push is not sent again. */
async function pushAll(worker: number, answers: PushAnswer[], kills: Kills, signal: AbortSignal): Promise<void> {
  const client = await connect(worker, signal)
  for (let i = 0; i < PUSHES_EACH; i++) {
    await client.pull()
    const index = worker * PUSHES_EACH + i
    const gradient = new Float32Array(WORKERS * PUSHES_EACH)
    gradient[index] = -1
    const killsWhenSent = kills.count
    const { result, step } = await client.push({
      gradients: new Map([['w', gradient]]),
      statistics: new Map(),
      batches: 1,
      loss: 1,
      examples: 1,
      base: client.base,
    })
    const acknowledged = result === 'applied' || result === 'duplicate'
    answers.push({ index, acknowledged, step, killsWhenSent, killsWhenAnswered: kills.count })
  }
  await client.close()
}

/**
 * Kills the server after a random number of answers, starts another at once, and repeats. Fails if the pushes do not
 * suffice for all kills.
 */
async function killAtRandom(answers: readonly PushAnswer[], kills: Kills, signal: AbortSignal): Promise<void> {
  const random = createRandom(SEED)
  for (let kill = 0; kill < KILLS; kill++) {
    const nextKillAt = answers.length + 10 + random.int(50)
    assert.ok(nextKillAt <= WORKERS * PUSHES_EACH, `seed ${SEED}: too few pushes are left after ${kill} kills`)
    while (answers.length < nextKillAt) {
      signal.throwIfAborted()
      await new Promise((resolve) => setImmediate(resolve))
    }
    await server.kill()
    server.start()
    kills.restoredSteps.push(await restoredStep(++kills.count))
  }
}

/**
 * Reads from the server's log the step that it restored when it started after `killCount` kills; 0 if it found no
 * checkpoint.
 */
async function restoredStep(killCount: number): Promise<number> {
  let step: number | undefined
  const restarted = () => {
    const starts = [...server.output().matchAll(/"restoredStep":(null|\d+),"msg":"parameter server listens"/g)]
    const start = starts[killCount]
    step = start && Number(start[1] === 'null' ? 0 : start[1])
    assert.notEqual(step, undefined, server.output().slice(-500))
  }
  await eventually(restarted, { timeoutMs: STARTS_WITHIN_MS })
  return step as number
}

async function finalWeights(signal: AbortSignal): Promise<number[]> {
  const reader = await connect(READER_INDEX, signal)
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
