/** Formulas that cannot be compiled. test/unit/ps/kernels.test.ts tests the results of compiled formulas. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileKernel } from '../../../tools/compile-kernel.ts'

const kernel = (formula: string) => compileKernel({ name: 'k', arrays: ['x'], scalars: ['a'], formula })

for (const [formula, message] of [
  ['x + 1', /not an assignment/],
  ['x = x ^ a', /cannot read/],
  ['x = (x + a', /'\)' expected/],
  ['x = x a', /'a' is left over/],
  ['x = x +', /'' is no value/],
  ['x = * a', /'\*' is no value/],
  ['x = x + y', /'y' is no value/],
] as const)
  test(`the formula "${formula}" is refused`, () =>
    assert.throws(() => kernel(formula), { name: 'SyntaxError', message }))

test('operators of the same precedence are computed from left to right', () => {
  assert.match(
    kernel('x = x - a - 1'),
    /\(f32\.sub \(f32\.sub \(local\.get \$x_f32\) \(local\.get \$a\)\) \(f32\.const 1\)\)/,
  )
  assert.match(kernel('x = x * a / 2'), /\(f32\.div \(f32\.mul /)
})

test('products are computed before sums', () => {
  assert.match(kernel('x = x + a * x'), /\(f32\.add \(local\.get \$x_f32\) \(f32\.mul /)
})
