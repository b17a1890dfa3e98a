import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { permuted } from '../../../src/interchange/permuted.ts'
import { fromTorch, toTorch } from '../../../src/interchange/torch-tensors.ts'

const arrays = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 }).chain((shape) =>
  fc.record({
    shape: fc.constant(shape),
    order: fc.shuffledSubarray([...shape.keys()], { minLength: shape.length }),
  }),
)

test('a value keeps its place along every axis', () => {
  fc.assert(
    fc.property(arrays, ({ shape, order }) => {
      const size = shape.reduce((product, axis) => product * axis, 1)
      const result = permuted(
        Float32Array.from({ length: size }, (_, i) => i),
        shape,
        order,
      )
      const newShape = order.map((axis) => shape[axis] as number)
      for (let i = 0; i < size; i++) {
        const place = placeOf(i, newShape)
        const before = shape.map((_, axis) => place[order.indexOf(axis)] as number)
        assert.equal(
          result[i],
          before.reduce((at, index, axis) => at * (shape[axis] as number) + index, 0),
        )
      }
    }),
  )
})

function placeOf(i: number, shape: readonly number[]): number[] {
  let rest = i
  return shape
    .toReversed()
    .map((size) => {
      const index = rest % size
      rest = (rest - index) / size
      return index
    })
    .reverse()
}

test('filters become out, in, height, width; matrices out, in; and back', () => {
  const filter = Float32Array.from({ length: 2 * 3 * 4 * 5 }, (_, i) => i)
  const shape = [2, 3, 4, 5]
  const torch = toTorch(filter, shape)
  // Row 1, column 2, input 3, output 4.
  assert.equal(torch[((4 * 4 + 3) * 2 + 1) * 3 + 2], filter[((1 * 3 + 2) * 4 + 3) * 5 + 4])
  assert.deepEqual(fromTorch(torch, shape), filter)
  assert.deepEqual([...toTorch(Float32Array.of(1, 2, 3, 4, 5, 6), [2, 3])], [1, 4, 2, 5, 3, 6])
  assert.deepEqual([...fromTorch(Float32Array.of(1, 4, 2, 5, 3, 6), [2, 3])], [1, 2, 3, 4, 5, 6])
  assert.deepEqual([...toTorch(Float32Array.of(1, 2), [2])], [1, 2])
})
