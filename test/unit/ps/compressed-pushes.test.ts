/** Compressed pushes on a parameter server, and whether training with them converges. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { AsyncPolicy } from '../../../src/contract/training.ts'
import type { Training } from '../../../src/ps/training.ts'
import { createRandom } from '../../../src/support/random.ts'
import { Decoder, decoderBytes } from '../../../src/wire/decoder.ts'
import { Encoder } from '../../../src/wire/encoder.ts'
import { type Encoding, pushBytes } from '../../../src/wire/encodings.ts'
import { Region, regionBytes } from '../../../src/wire/regions.ts'
import { Scanner } from '../../../src/wire/scan.ts'
import { makeConfig, makeTraining, push, variable, worker } from './fixtures.ts'

const ENCODINGS: readonly Encoding[] = ['fp16', 'bf16', 'int8']
const LENGTH = 600
const VARIABLES = [variable('w', LENGTH), variable('m', 2, { kind: 'statistic' })]
const LENGTHS = { trainable: LENGTH, statistic: 2 }
const { async } = makeConfig()

function trainingWith(compression: Encoding, more: Parameters<typeof makeConfig>[0] = {}): Training {
  return makeTraining(makeConfig({ ...more, async: { ...async, ...more.async, compression } }), VARIABLES)
}

/** The body of a push with these gradients. */
function bodyOf(encoding: Encoding, gradient: (i: number) => number, statistic = 0): Uint8Array {
  const encoder = new Encoder(encoding, LENGTHS)
  for (let i = 0; i < LENGTH; i++) encoder.gradients.floats[i] = gradient(i)
  encoder.gradients.floats.fill(statistic, LENGTH)
  return encoder.encode().bytes
}

for (const encoding of ENCODINGS)
  describe(`a shard with compression ${encoding}`, () => {
    test('applies the values that were encoded, and statistics', () => {
      const training = trainingWith(encoding)
      assert.equal(
        training.push(
          worker(0),
          push(1),
          bodyOf(encoding, (i) => -(i % 128), 8),
        ),
        'applied',
      )
      const { weights } = training.shard
      assert.deepEqual(
        [...weights.subarray(0, 512)],
        Array.from({ length: 512 }, (_, i) => i % 128),
      )
      assert.deepEqual([...weights.subarray(LENGTH)], [4, 4])
    })

    test('refuses gradients and statistics that are not finite, and applies the next push', () => {
      const training = trainingWith(encoding)
      for (const [seq, bad] of [Number.NaN, Number.POSITIVE_INFINITY].entries()) {
        const before = training.shard.weights.slice()
        const gradients = bodyOf(encoding, (i) => (i === 300 ? bad : 1))
        assert.equal(training.push(worker(0), push(2 * seq + 1), gradients), 'nonfinite')
        assert.deepEqual(training.shard.weights, before)
        assert.equal(
          training.push(
            worker(0),
            push(2 * seq + 2),
            bodyOf(encoding, () => 1),
          ),
          'applied',
        )
      }
      assert.equal(
        training.push(
          worker(0),
          push(9),
          bodyOf(encoding, () => 1, Number.NaN),
        ),
        'nonfinite',
      )
    })

    test('refuses a body of another length', () => {
      const training = trainingWith(encoding)
      const whole = bodyOf(encoding, () => 1)
      for (const wrong of [whole.subarray(1), new Uint8Array(whole.length + 1), new Uint8Array(pushBytes(LENGTHS))])
        assert.throws(() => training.push(worker(0), push(1), wrong), { code: 'FRAME_BAD_BODY' })
    })

    test('limits the norm of the decoded gradient', () => {
      const training = trainingWith(encoding, { gradientClipNorm: 1 })
      training.push(
        worker(0),
        push(1),
        bodyOf(encoding, () => -1),
      )
      const norm = Math.hypot(...training.shard.weights.subarray(0, LENGTH))
      assert.ok(Math.abs(norm - 1) < 1e-3, `${norm}`)
    })
  })

test('random bytes as an int8 body are applied or refused, and never leave weights that are not finite', () => {
  const training = trainingWith('int8')
  const bytes = new Uint8Array(pushBytes(LENGTHS, 'int8'))
  const random = createRandom(1)
  for (let seq = 1; seq <= 300 && !training.failure; seq++) {
    for (let i = 0; i < bytes.length; i++) bytes[i] = random.int(256)
    training.push(worker(0), push(seq), bytes)
    assert.ok(training.shard.weights.every(Number.isFinite))
  }
})

/** @returns what a body of a compressed push contains, as the body of a push without compression */
function decoded(encoding: Encoding, bytes: Uint8Array): Uint8Array {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 })
  const at = Math.ceil(regionBytes(bytes.length) / 64) * 64
  assert.ok(at + decoderBytes(LENGTHS) <= memory.buffer.byteLength)
  const received = new Region(memory, new Scanner(memory), 0, bytes.length).open(bytes.length)
  received.bytes.set(bytes)
  return new Decoder(memory, at, encoding, LENGTHS).decode(received).bytes.slice()
}

const POLICIES: readonly AsyncPolicy[] = [
  { type: 'async' },
  { type: 'lrOverStaleness' },
  { type: 'dcAsgd', delayCompensation: 0.04 },
  { type: 'boundedDelay', maxDelay: 2 },
  { type: 'syncBackup', backups: 0 },
]

describe('a compressed push is for each policy the push of its decoded values', () => {
  for (const encoding of ENCODINGS)
    for (const policy of POLICIES)
      test(`${encoding} with ${policy.type}`, () => {
        const compressed = trainingWith(encoding, { async: { ...async, policy } })
        const plain = makeTraining(makeConfig({ async: { ...async, policy } }), VARIABLES)
        const random = createRandom(5)
        const seqs = [0, 0]
        const pulled = [0, 0]
        for (let i = 0; i < 60; i++) {
          const index = random.int(2)
          const [who, message] = [
            worker(index),
            push(++(seqs[index] as number), { baseVersion: pulled[index] as number }),
          ]
          const bytes = bodyOf(encoding, () => random.normal(), random.next())
          const result = plain.push(who, message, decoded(encoding, bytes))
          assert.equal(compressed.push(who, message, bytes), result)
          assert.deepEqual(compressed.shard.weights, plain.shard.weights)
          if (random.int(2) === 0) continue
          pulled[index] = plain.version
          for (const training of [plain, compressed]) training.notePull(who)
        }
        assert.ok(plain.version > 5, `${plain.version} updates`)
      })
})

const STEPS = 6000
const RATE = 0.05
const curvature = (i: number) => 10 ** -(i % 4)
const target = (i: number) => Math.sin(i)
/** Of the first block, without the value that has noise. */
const MEASURED = Array.from({ length: 255 }, (_, i) => i + 1)

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

/**
 * Two workers minimise the sum of h/2 · (w - target)², whose curvatures h differ by 1000 within a block. Each computes on the
 * weights before the push of the other one. The first gradient of a block is noise, much larger than the others, with a
 * mean of zero.
 * @returns the mean distance of the weights from their targets
 */
function minimise(compression: Encoding, policy: AsyncPolicy, { feedback }: { feedback: boolean }): number {
  const learningRate = { type: 'constant', initial: RATE } as const
  const training = trainingWith(compression, { learningRate, async: { ...async, policy } })
  const { shard } = training
  const workers = [0, 1].map((index) => ({ who: worker(index), encoder: new Encoder(compression, LENGTHS) }))
  const pull = () => ({ weights: shard.weights.slice(), baseVersion: training.version })
  const pulled = workers.map(pull)
  for (let step = 0; step < STEPS; step++) {
    const index = step % 2
    const { who, encoder } = workers[index] as (typeof workers)[0]
    const { weights, baseVersion } = pulled[index] as (typeof pulled)[0]
    const { floats } = encoder.gradients
    for (let i = 0; i < LENGTH; i++) floats[i] = curvature(i) * ((weights[i] ?? 0) - target(i))
    floats[0] = step % 4 < 2 ? 50 : -50
    training.push(who, push(1 + Math.floor(step / 2), { baseVersion }), encoder.encode().bytes)
    if (feedback) encoder.settle()
    pulled[index] = pull()
    training.notePull(who)
  }
  assert.equal(training.counts.applied, STEPS)
  return mean(MEASURED.map((i) => Math.abs((shard.weights[i] ?? 0) - target(i))))
}

describe('training with compressed pushes', () => {
  /** That of gradient descent, from zero. */
  const distance = mean(MEASURED.map((i) => Math.abs(target(i)) * (1 - RATE * curvature(i)) ** STEPS))
  const policies: readonly AsyncPolicy[] = [{ type: 'async' }, { type: 'dcAsgd', delayCompensation: 0.04 }]
  for (const encoding of ENCODINGS)
    for (const policy of policies)
      test(`${encoding} with ${policy.type} comes as close to the minimum as gradient descent`, () => {
        const found = minimise(encoding, policy, { feedback: true })
        assert.ok(Math.abs(found - distance) < 0.01, `${found}, expected ${distance}`)
      })

  test('int8 without error feedback would not, because small gradients beside a large one would be zero', () => {
    const found = minimise('int8', { type: 'async' }, { feedback: false })
    assert.ok(found > 2 * distance, `${found}, with gradient descent ${distance}`)
  })
})
