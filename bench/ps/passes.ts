/** What a parameter server does with 20 million values, in one process, beside a memcpy of as many. */

import { createShard } from '../../src/ps/restore.ts'
import { Training } from '../../src/ps/training.ts'
import { WorkerTable } from '../../src/ps/workers.ts'
import { wholeLayout } from '../../src/wire/layout.ts'
import type { Message } from '../../src/wire/messages.ts'
import { config, variables } from '../exchange/model.ts'
import { median } from '../figures.ts'

/** As in src/wire/channel.ts. */
const READ_BYTES = 1 << 19
const WARM_UP = 3
const INCARNATION = 1
const WORKER = { index: 0, podUid: 'pod-0' }

export interface Passes {
  readonly memcpyMs: number
  /** Times of each pass as multiples of the memcpy of the same round. */
  readonly ratios: Readonly<Record<string, number>>
}

function openTraining(): Training {
  const shard = createShard(wholeLayout({ variables }), config)
  shard.draw(config.seed)
  const workers = new WorkerTable()
  workers.admit(WORKER, 0, () => true)
  return new Training({ config, index: 0, incarnation: INCARNATION, version: 0, globalStep: 0, shard, workers })
}

function pushAt(version: number): Message<'push'> {
  const counts = { loss: 1, examples: 1, batches: 1, globalStep: 0 }
  return { type: 'push', seq: version + 1, incarnation: INCARNATION, baseVersion: version, ...counts }
}

/** In CPU time, of which other programs take less than of the clock's. */
function timed(work: () => void): number {
  const before = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}

/** The passes take turns in each round. @returns medians over rounds */
export function measurePasses(rounds: number): Passes {
  const training = openTraining()
  const { shard } = training
  const body = shard.bodies.acquire(4 * shard.pushLength)
  if (!body) throw new RangeError('no room for a body')
  const gradients = Float32Array.from({ length: shard.pushLength }, (_, i) => Math.sin(i) / 100)
  const copy = new Float32Array(shard.pushLength)
  /** In pieces, as it arrives; the kernel of the operating system has written it before. */
  const receive = () => {
    body.open(body.bytes.length)
    for (let at = READ_BYTES; at < body.bytes.length; at += READ_BYTES) body.advance(at)
    body.finish()
  }
  const apply = () => {
    const result = training.push(WORKER, pushAt(training.version), body.bytes)
    if (result !== 'applied') throw new Error(`a push was ${result}`)
  }
  const passes: Record<string, () => void> = {
    memcpy: () => copy.set(gradients),
    'checksum and finite': receive,
    update: apply,
    'finite and update': () => {
      body.open(body.bytes.length).finish()
      apply()
    },
    'received body to applied': () => {
      receive()
      apply()
    },
  }
  body.floats.set(gradients)
  receive()
  const times = Array.from({ length: WARM_UP + rounds }, () => {
    body.floats.set(gradients)
    return Object.fromEntries(Object.entries(passes).map(([name, pass]) => [name, timed(pass)]))
  }).slice(WARM_UP)
  const ratioOf = (name: string) => median(times.map((round) => (round[name] as number) / (round.memcpy as number)))
  const names = Object.keys(passes).filter((name) => name !== 'memcpy')
  return {
    memcpyMs: median(times.map(({ memcpy = Number.NaN }) => memcpy)),
    ratios: Object.fromEntries(names.map((name) => [name, ratioOf(name)])),
  }
}
