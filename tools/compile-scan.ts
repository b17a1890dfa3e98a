/**
 * The functions of scan.wasm: the pass over a body that src/wire/frames.ts describes. Its checksum and the largest of its float32
 * values are computed at once, because the memory is slower than the arithmetic.
 */

/** In the order in which a state stores them, of 16 bytes each; `src/wire/scan.ts` reads them. */
const ACCUMULATORS = ['sum', 'high', 'sums', 'highs', 'largest']
const BLOCK_BYTES = 16
/** In one turn of the loop. */
const UNROLLED = 4

/** `largest` is of |value| << 1 as integers: their order is that of the values, and NaN comes last. */
function block(nth: number, stores: boolean): string {
  const offset = `offset=${BLOCK_BYTES * nth}`
  const add = (to: string, value: string) => `(local.set $${to} (i64x2.add (local.get $${to}) ${value}))`
  return `
        (local.set $v (v128.load ${offset} (local.get $from)))
        ${stores ? `(v128.store ${offset} (local.get $to) (local.get $v))` : ''}
        ${add('sum', '(local.get $v)')}
        ${add('high', '(i64x2.shr_u (local.get $v) (i32.const 32))')}
        ${add('sums', '(local.get $sum)')}
        ${add('highs', '(local.get $high)')}
        (local.set $largest (i32x4.max_u (local.get $largest) (i32x4.shl (local.get $v) (i32.const 1))))`
}

function loop(label: string, blocks: number, stores: boolean): string {
  const bytes = `(i32.const ${BLOCK_BYTES * blocks})`
  const advance = (pointer: string) => `(local.set $${pointer} (i32.add (local.get $${pointer}) ${bytes}))`
  return `
    (block $no_${label}
      (loop $${label}
        (br_if $no_${label} (i32.lt_u (i32.sub (local.get $end) (local.get $from)) ${bytes}))
        ${Array.from({ length: blocks }, (_, nth) => block(nth, stores)).join('')}
        ${advance('from')}
        ${stores ? advance('to') : ''}
        (br $${label})))`
}

/** @param stores whether the blocks are also copied, to `to` */
function pass(name: string, stores: boolean): string {
  const load = (one: string, nth: number) => `(local.set $${one} (v128.load offset=${16 * nth} (local.get $state)))`
  const save = (one: string, nth: number) => `(v128.store offset=${16 * nth} (local.get $state) (local.get $${one}))`
  return `
  (func (export "${name}") (param $state i32) (param $from i32) (param $bytes i32) ${stores ? '(param $to i32)' : ''}
    (local $end i32) (local $v v128) ${ACCUMULATORS.map((one) => `(local $${one} v128)`).join(' ')}
    (local.set $end (i32.add (local.get $from) (local.get $bytes)))
    ${ACCUMULATORS.map(load).join('\n    ')}${loop('many', UNROLLED, stores)}${loop('one', 1, stores)}
    ${ACCUMULATORS.map(save).join('\n    ')})`
}

export function compileScan(): string {
  return pass('scan', false) + pass('copy', true)
}
