/** Loops over arrays of equal length (src/tensor/wasm-relu.ts): blocks of four floats, then single ones. */
import { advance, atLeast, BLOCK_BYTES, FLOAT_BYTES, get, loopWhile } from './wat.ts'

interface Lanes {
  bytes: number
  type: 'v128' | 'f32'
  operation: 'f32x4' | 'f32'
  zero: string
}

const BLOCK: Lanes = { bytes: BLOCK_BYTES, type: 'v128', operation: 'f32x4', zero: '(v128.const f32x4 0 0 0 0)' }
const SINGLE: Lanes = { bytes: FLOAT_BYTES, type: 'f32', operation: 'f32', zero: '(f32.const 0)' }

interface ElementKernel {
  readonly name: string
  readonly inputs: readonly string[]
  readonly output: string
  formula(lanes: Lanes, value: (name: string) => string): string
}

const KERNELS: readonly ElementKernel[] = [
  {
    name: 'addRelu',
    inputs: ['a', 'b'],
    output: 'y',
    formula: ({ operation, zero }, value) =>
      `(${operation}.max (${operation}.add ${value('a')} ${value('b')}) ${zero})`,
  },
  {
    name: 'reluGradient',
    inputs: ['dy', 'y'],
    output: 'dx',
    formula: ({ type, zero }, value) =>
      type === 'v128'
        ? `(v128.and ${value('dy')} (f32x4.gt ${value('y')} ${zero}))`
        : `(select ${value('dy')} ${zero} (f32.gt ${value('y')} ${zero}))`,
  },
]

function elementFunction({ name, inputs, output, formula }: ElementKernel): string {
  const arrays = [...inputs, output]
  const loop = (label: string, lanes: Lanes) =>
    loopWhile(label, atLeast('length', lanes.bytes / FLOAT_BYTES), [
      `(${lanes.type}.store ${get(output)} ${formula(lanes, (input) => `(${lanes.type}.load ${get(input)})`)})`,
      ...arrays.map((array) => advance(array, lanes.bytes)),
      advance('length', -lanes.bytes / FLOAT_BYTES),
    ])
  return `
  (func (export "${name}") ${[...arrays, 'length'].map((one) => `(param $${one} i32)`).join(' ')}
    ${loop('block', BLOCK)}
    ${loop('single', SINGLE)})`
}

export function elementFunctions(): string {
  return KERNELS.map(elementFunction).join('\n')
}
