/** Programs on native TensorFlow. Without it (`npm run setup:tensorflow`) these tests are skipped. */
import assert from 'node:assert/strict'
import { afterEach, suite, test } from 'node:test'
import { type Log, silentLog } from '../../../../src/support/log.ts'
import { selectBackend } from '../../../../src/tensor/backend.ts'
import type { Compute } from '../../../../src/tensor/compute.ts'
import { plainFunction } from '../../../../src/tensor/plain-function.ts'
import { createProgram, type Program } from '../../../../src/tensor/program.ts'
import { type Tensor, tf } from '../../../../src/tensor/tf.ts'
import type { NamedValues } from '../../../../src/tensor/values.ts'
import { useBackend } from '../../../support/backends.ts'

const skip = (await useBackend('tensorflow')) ? false : 'TensorFlow is not set up'

const named = (values: Record<string, number[]>): NamedValues =>
  new Map(
    Object.entries(values).map(([name, list]) => [name, { shape: [list.length], values: Float32Array.from(list) }]),
  )
const weights = (...w: number[]) => named({ w })
const input = (...x: number[]) => named({ x })

/** A program of one weight w and one input x. */
const computing =
  (compute: (w: Tensor, x: Tensor) => Record<string, Tensor>): Compute =>
  (weights, inputs) =>
    new Map(Object.entries(tf.tidy(() => compute(weights.get('w') as Tensor, inputs.get('x') as Tensor))))

const affine = computing((w, x) => ({ y: tf.add(tf.mul(w, x), 1), sum: tf.sum(tf.mul(w, x)) }))

const programs: Program[] = []

function programOf(compute: Compute, graph: 'auto' | 'off' = 'auto') {
  const entries: { facts: object; message: string }[] = []
  const log: Log = { ...silentLog, info: (facts, message) => void entries.push({ facts, message }) }
  const program = createProgram({ name: 'the test', compute, graph, log })
  programs.push(program)
  return { program, entries }
}

async function valuesOf(program: Program, inputs: NamedValues, output = 'y'): Promise<number[]> {
  return [...((await program.run(inputs)).get(output)?.values ?? [])]
}

const REFUSED = 'the test runs operation by operation, because it cannot be recorded as a graph'
const RECORDED = 'the test runs as a recorded graph'

afterEach(() => {
  for (const program of programs.splice(0)) program.dispose()
})

suite('a program on native TensorFlow', { skip }, () => {
  test('runs as a graph from the third call on, with the inputs and weights of each call', async () => {
    const { program, entries } = programOf(affine)
    for (let call = 1; call <= 6; call++) {
      program.load(weights(call, 2 * call))
      assert.deepEqual(await valuesOf(program, input(10, call)), [10 * call + 1, 2 * call * call + 1], `call ${call}`)
      assert.equal(entries.length, call < 3 ? 0 : 1)
    }
    assert.equal(entries[0]?.message, RECORDED)
  })

  test('records each shape of its inputs by itself', async () => {
    const { program, entries } = programOf(computing((w, x) => ({ y: tf.add(x, tf.sum(w)) })))
    program.load(weights(1, 2))
    for (let call = 0; call < 4; call++) {
      assert.deepEqual(await valuesOf(program, input(call)), [call + 3])
      assert.deepEqual(await valuesOf(program, input(call, 1)), [call + 3, 4])
    }
    assert.deepEqual(
      entries.map(({ message }) => message),
      [RECORDED, RECORDED],
    )
  })

  test('computes more shapes than it records', async () => {
    const { program, entries } = programOf(computing((w, x) => ({ y: tf.add(x, tf.sum(w)) })))
    program.load(weights(1))
    for (let call = 0; call < 4; call++) {
      for (let length = 1; length <= 6; length++) {
        const x = Array.from({ length }, (_, i) => i)
        assert.deepEqual(
          await valuesOf(program, input(...x)),
          x.map((value) => value + 1),
        )
      }
    }
    assert.equal(entries.length, 4)
  })

  test('that keeps a value of the recorded call is found out by the next call, and is not recorded', async () => {
    let current: number[] = []
    const { program, entries } = programOf(computing((w, x) => ({ y: tf.mul(tf.mul(w, x), tf.tensor1d(current)) })))
    program.load(weights(1, 2))
    for (let call = 1; call <= 5; call++) {
      current = [call, 1]
      assert.deepEqual(await valuesOf(program, input(1, 7)), [call, 14], `call ${call}`)
    }
    assert.deepEqual(
      entries.map(({ message }) => message),
      [REFUSED],
    )
  })

  test('that keeps a weight of the recorded call is not recorded, even while the weights stay the same', async () => {
    const { program, entries } = programOf(computing((w, x) => ({ y: tf.mul(x, tf.tensor1d([...w.dataSync()])) })))
    program.load(weights(2, 3))
    for (let call = 1; call <= 4; call++) assert.deepEqual(await valuesOf(program, input(call, 1)), [2 * call, 3])
    assert.deepEqual(
      entries.map(({ message }) => message),
      [REFUSED],
    )
  })

  test('that reads a value in mid-step is not recorded, and the log says why', async () => {
    const reading = computing((w, x) => {
      const [doubled] = plainFunction([tf.mul(w, x)], ([values = []]) => [
        { shape: [2], values: Float32Array.from(values, (value) => 2 * value) },
      ])
      return { y: tf.add(doubled as Tensor, 0) }
    })
    const { program, entries } = programOf(reading)
    program.load(weights(1, 2))
    for (let call = 1; call <= 4; call++) assert.deepEqual(await valuesOf(program, input(call, 1)), [2 * call, 4])
    assert.deepEqual(entries, [{ facts: { reason: 'it reads a value before it ends' }, message: REFUSED }])
  })

  test('that is random runs as it is, because its check fails', async () => {
    const { program, entries } = programOf(computing((w, x) => ({ y: tf.add(tf.mul(w, x), tf.randomUniform([2])) })))
    program.load(weights(1, 1))
    const seen = new Set<number>()
    for (let call = 1; call <= 5; call++) seen.add((await valuesOf(program, input(1, 1)))[0] as number)
    assert.equal(seen.size, 5)
    assert.deepEqual(
      entries.map(({ message }) => message),
      [REFUSED],
    )
  })

  test('with graph: off never records', async () => {
    const { program, entries } = programOf(affine, 'off')
    program.load(weights(1, 1))
    for (let call = 1; call <= 5; call++) assert.deepEqual(await valuesOf(program, input(call, 0)), [call + 1, 1])
    assert.deepEqual(entries, [])
  })

  test('writes outputs into the arrays that it is given, aligned or not, and says which are finite', async () => {
    const { program } = programOf(computing((w, x) => ({ y: tf.mul(w, x), z: tf.div(w, x) })))
    program.load(weights(1, 2, 3))
    for (let call = 1; call <= 5; call++) {
      const y = new Float32Array(8).subarray(1, 4)
      const outputs = await program.run(input(call, 0, 1e38), new Map([['y', y]]))
      assert.equal(outputs.get('y')?.values, y)
      assert.deepEqual([...y], [call, 0, Math.fround(3e38)])
      assert.equal(outputs.get('y')?.finite, false, 'its square is not finite')
      assert.equal(outputs.get('z')?.finite, false)
      const finite = await program.run(input(call, 1, 1))
      assert.deepEqual([finite.get('y')?.finite, finite.get('z')?.finite], [true, true])
    }
  })

  test('returns an input, a constant and the same tensor twice as outputs of their own', async () => {
    const compute: Compute = (weights, inputs) => {
      const y = tf.tidy(() => tf.mul(weights.get('w') as Tensor, inputs.get('x') as Tensor))
      return new Map([
        ['w', tf.clone(weights.get('w') as Tensor)],
        ['one', tf.scalar(1)],
        ['y', y],
        ['again', tf.clone(y)],
      ])
    }
    const { program, entries } = programOf(compute)
    for (let call = 1; call <= 5; call++) {
      program.load(weights(call, 1))
      const outputs = await program.run(input(2, call))
      const values = Object.fromEntries([...outputs].map(([name, output]) => [name, [...output.values]]))
      assert.deepEqual(values, { w: [call, 1], one: [1], y: [2 * call, call], again: [2 * call, call] })
    }
    assert.deepEqual(
      entries.map(({ message }) => message),
      [RECORDED],
    )
  })

  test('leaves the event loop to others while its graph runs', async () => {
    const size = 400
    const compute = computing((w, x) => {
      const square = tf.reshape(x, [size, size])
      let product = square
      for (let i = 0; i < 20; i++) product = tf.matMul(product, square) as typeof square
      return { y: tf.mul(tf.sum(product), tf.sum(w)) }
    })
    const { program, entries } = programOf(compute)
    program.load(weights(1))
    const values = Float32Array.from({ length: size * size }, (_, i) => Math.sin(i) / size)
    const run = () => program.run(new Map([['x', { shape: [size * size], values }]]))
    for (let call = 0; call < 3; call++) await run()
    assert.deepEqual(
      entries.map(({ message }) => message),
      [RECORDED],
    )
    let turns = 0
    let isRunning = true
    const count = () => {
      turns++
      if (isRunning) setImmediate(count)
    }
    setImmediate(count)
    await run()
    isRunning = false
    assert.ok(turns > 1, `${turns} turns of the event loop`)
  })

  test('divides by a constant: it does not multiply by the reciprocal, which rounds differently', async () => {
    const { program, entries } = programOf(computing((w, x) => ({ y: tf.div(tf.mul(w, x), 49) })))
    program.load(weights(1))
    const numerators = Array.from({ length: 1000 }, (_, i) => i + 1)
    const quotients = numerators.map((one) => Math.fround(one / 49))
    for (let call = 1; call <= 4; call++) {
      assert.deepEqual(await valuesOf(program, input(...numerators)), quotients, `call ${call}`)
    }
    assert.equal(entries[0]?.message, RECORDED)
  })

  test('leaves no tensors behind', async () => {
    const before = tf.memory().numTensors
    const { program } = programOf(affine)
    for (let call = 0; call < 6; call++) {
      program.load(weights(call, 1))
      await program.run(input(1, call))
    }
    program.dispose()
    assert.equal(tf.memory().numTensors, before)
  })
})

test('a program on WASM runs operation by operation', async () => {
  await selectBackend('wasm', silentLog)
  const { program, entries } = programOf(affine)
  for (let call = 1; call <= 5; call++) {
    program.load(weights(call, 1))
    assert.deepEqual(await valuesOf(program, input(2, call)), [2 * call + 1, call + 1])
  }
  assert.deepEqual(entries, [])
})
