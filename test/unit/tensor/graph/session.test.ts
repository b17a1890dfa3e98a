/** graph.cc on its own. Without native TensorFlow (`npm run setup:tensorflow`) these tests are skipped. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { suite, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { silentLog } from '../../../../src/support/log.ts'
import { type GraphNode, shapeProto } from '../../../../src/tensor/graph/graph-def.ts'
import { type GraphAddon, graphAddon, openSession } from '../../../../src/tensor/graph/session.ts'
import { useBackend } from '../../../support/backends.ts'

const skip = (await useBackend('tensorflow')) ? false : 'TensorFlow is not set up'
const EXITING = fileURLToPath(new URL('exit-while-running.ts', import.meta.url))
const FLOAT = { type: 1 }

/** y = x · x, where x is 2 × 2. */
const SQUARE: readonly GraphNode[] = [
  { name: 'x', op: 'Placeholder', input: [], attr: { dtype: FLOAT, shape: { shape: shapeProto([2, 2]) } } },
  { name: 'y', op: 'MatMul', input: ['x', 'x'], attr: { T: FLOAT } },
]

function open(feeds: readonly string[] = ['x'], fetches: readonly string[] = ['y']) {
  return openSession(graphAddon(silentLog) as GraphAddon, SQUARE, feeds, fetches)
}

const matrix = (...values: number[]) => ({ values: Float32Array.from(values), shape: [2, 2] })

suite('a session of a graph', { skip }, () => {
  test('writes its outputs into the given arrays and says whether they are finite', async () => {
    const session = open()
    const y = new Float32Array(4)
    assert.deepEqual(await session.run([matrix(1, 2, 3, 4)], [y]), [true])
    assert.deepEqual([...y], [7, 10, 15, 22])
    assert.deepEqual(await session.run([matrix(1e38, 0, 0, 1)], [y]), [false])
    session.close()
  })

  test('reads and writes arrays at any byte of memory, also of WebAssembly', async () => {
    const session = open()
    const memory = new WebAssembly.Memory({ initial: 1 })
    for (const offset of [0, 4, 60, 64, 100]) {
      const x = new Float32Array(memory.buffer, offset, 4)
      const y = new Float32Array(memory.buffer, offset + 1024, 4)
      x.set([1, 2, 3, offset])
      await session.run([{ values: x, shape: [2, 2] }], [y])
      assert.deepEqual([...y], [7, 2 + 2 * offset, 3 + 3 * offset, 6 + offset * offset])
    }
    session.close()
  })

  test('refuses names that the graph lacks, and arrays of another number, shape or type', async () => {
    assert.throws(() => open(['z']), /the graph has no operation z/)
    assert.throws(() => open(['x'], ['z']), /the graph has no operation z/)
    const session = open()
    const y = new Float32Array(4)
    assert.throws(() => session.run([], [y]), /expected 1 inputs with shapes and 1 outputs/)
    assert.throws(
      () => session.run([{ values: new Float32Array(3), shape: [2, 2] }], [y]),
      /input 0 is no .* of its shape/,
    )
    assert.throws(() => session.run([{ values: new Float64Array(4) as never, shape: [2, 2] }], [y]), /input 0 is no/)
    await assert.rejects(
      session.run([matrix(1, 2, 3, 4)], [new Float32Array(3)]),
      /output 0 has 16 bytes .* its array 12/,
    )
    await assert.rejects(session.run([{ values: new Int32Array(4), shape: [2, 2] }], [y]), /float/)
    assert.deepEqual(await session.run([matrix(1, 0, 0, 1)], [y]), [true], 'it goes on after errors')
    session.close()
  })

  test('runs once at a time, and not after it was closed', async () => {
    const session = open()
    const first = session.run([matrix(1, 2, 3, 4)], [new Float32Array(4)])
    assert.throws(() => session.run([matrix(1, 2, 3, 4)], [new Float32Array(4)]), /the graph is running/)
    session.close()
    assert.deepEqual(await first, [true], 'closing waits for the run')
    session.close()
    assert.throws(() => session.run([matrix(1, 2, 3, 4)], [new Float32Array(4)]), /the graph is closed/)
  })

  test('a process that exits during a run ends with its own exit code', () => {
    const { status, signal, stderr } = spawnSync(process.execPath, [EXITING], { encoding: 'utf8' })
    assert.deepEqual([status, signal], [3, null], stderr)
  })
})
