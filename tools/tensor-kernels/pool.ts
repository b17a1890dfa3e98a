/**
 * The gradient of max-pooling for one window (src/tensor/wasm-max-pool.ts): each channel's dy goes to the first largest
 * input. Positions in the window count from 0, row by row.
 */
import { advance, atLeast, BLOCK_BYTES, FLOAT_BYTES, get, locals, loopWhile, set } from './wat.ts'

interface Lanes {
  name: string
  bytes: number
  type: 'v128' | 'f32'
}

const BLOCK: Lanes = { name: 'block', bytes: BLOCK_BYTES, type: 'v128' }
const SINGLE: Lanes = { name: 'single', bytes: FLOAT_BYTES, type: 'f32' }

/** Runs `body` for every position of the window, with `at` the offset of its pixel. */
function eachPosition(label: string, body: readonly string[]): string {
  return [
    set('position', '(i32.const 0)'),
    set('rowAt', '(i32.const 0)'),
    set('row', get('rows')),
    loopWhile(`${label}_row`, get('row'), [
      set('at', get('rowAt')),
      set('column', get('columns')),
      loopWhile(`${label}_column`, get('column'), [
        ...body,
        advance('at', get('pixelBytes')),
        advance('position', 1),
        advance('column', -1),
      ]),
      advance('rowAt', get('rowBytes')),
      advance('row', -1),
    ]),
  ].join('\n    ')
}

function channels({ name, bytes, type }: Lanes): string {
  const here = (array: string) => `(i32.add ${get(array)} ${get('at')})`
  const [value, best, found] = [`value_${name}`, `best_${name}`, `found_${name}`]
  const wide = type === 'v128'
  const position = wide ? `(i32x4.splat ${get('position')})` : get('position')
  const choose = (a: string, b: string, condition: string) =>
    `(${wide ? 'v128.bitselect' : 'select'} ${a} ${b} ${condition})`
  const larger = `(${wide ? 'f32x4' : 'f32'}.gt ${get(value)} ${get(best)})`
  const isHere = wide ? `(i32x4.eq ${get(found)} ${position})` : `(i32.eq ${get(found)} ${position})`
  const share = wide
    ? `(v128.and (v128.load ${get('dy')}) ${isHere})`
    : `(select (f32.load ${get('dy')}) (f32.const 0) ${isHere})`
  return loopWhile(name, atLeast('channels', bytes / FLOAT_BYTES), [
    set(best, `(${type}.load ${get('x')})`),
    set(found, wide ? '(v128.const i32x4 0 0 0 0)' : '(i32.const 0)'),
    eachPosition(`${name}_find`, [
      set(value, `(${type}.load ${here('x')})`),
      set(found, choose(position, get(found), larger)),
      set(best, choose(get(value), get(best), larger)),
    ]),
    eachPosition(`${name}_add`, [
      `(${type}.store ${here('dx')} (${wide ? 'f32x4' : 'f32'}.add (${type}.load ${here('dx')}) ${share}))`,
    ]),
    ...['x', 'dy', 'dx'].map((array) => advance(array, bytes)),
    advance('channels', -bytes / FLOAT_BYTES),
  ])
}

export function poolFunctions(): string {
  const params = ['x', 'dy', 'dx', 'rows', 'columns', 'rowBytes', 'pixelBytes', 'channels']
  return `
  (func (export "maxPoolGradient") ${params.map((one) => `(param $${one} i32)`).join(' ')}
    ${locals('i32', ['position', 'rowAt', 'row', 'at', 'column', 'found_single'])}
    ${locals('v128', ['value_block', 'best_block', 'found_block'])} ${locals('f32', ['value_single', 'best_single'])}
    ${channels(BLOCK)}
    ${channels(SINGLE)})`
}
