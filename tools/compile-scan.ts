/**
 * The functions of scan.wasm: the pass over a body that src/wire/frames.ts describes. Its checksum and the largest of its float32
 * values are computed at once, because the memory is slower than the arithmetic.
 */

/** In the order in which a state stores them, of 16 bytes each; `src/wire/scan.ts` reads them. */
const ACCUMULATORS = ['sum', 'high', 'sums', 'highs', 'largest']
const BLOCK_BYTES = 16
/** In one turn of the loop. */
const UNROLLED = 4

/**
 * `largest` is of |value| << 1 as integers: their order is that of the values, and NaN comes last.
 * @param judges whether it is computed
 */
function block(nth: number, judges: boolean): string {
  const offset = `offset=${BLOCK_BYTES * nth}`
  const add = (to: string, value: string) => `(local.set $${to} (i64x2.add (local.get $${to}) ${value}))`
  return `
        (local.set $v (v128.load ${offset} (local.get $from)))
        ${add('sum', '(local.get $v)')}
        ${add('high', '(i64x2.shr_u (local.get $v) (i32.const 32))')}
        ${add('sums', '(local.get $sum)')}
        ${add('highs', '(local.get $high)')}
        ${judges ? '(local.set $largest (i32x4.max_u (local.get $largest) (i32x4.shl (local.get $v) (i32.const 1))))' : ''}`
}

function loop(label: string, blocks: number, judges: boolean): string {
  const bytes = `(i32.const ${BLOCK_BYTES * blocks})`
  return `
    (block $no_${label}
      (loop $${label}
        (br_if $no_${label} (i32.lt_u (i32.sub (local.get $end) (local.get $from)) ${bytes}))
        ${Array.from({ length: blocks }, (_, nth) => block(nth, judges)).join('')}
        (local.set $from (i32.add (local.get $from) ${bytes}))
        (br $${label})))`
}

function pass(name: string, judges: boolean): string {
  const load = (one: string, nth: number) => `(local.set $${one} (v128.load offset=${16 * nth} (local.get $state)))`
  const save = (one: string, nth: number) => `(v128.store offset=${16 * nth} (local.get $state) (local.get $${one}))`
  return `
  (func (export "${name}") (param $state i32) (param $from i32) (param $bytes i32)
    (local $end i32) (local $v v128) ${ACCUMULATORS.map((one) => `(local $${one} v128)`).join(' ')}
    (local.set $end (i32.add (local.get $from) (local.get $bytes)))
    ${ACCUMULATORS.map(load).join('\n    ')}${loop('many', UNROLLED, judges)}${loop('one', 1, judges)}
    ${ACCUMULATORS.map(save).join('\n    ')})`
}

/** Continues a state with that of a pass over the `blocks` after it: each of their running sums lacks the sum before. */
function join(): string {
  const load = (one: string, state: string) =>
    `(v128.load offset=${16 * ACCUMULATORS.indexOf(one)} (local.get $${state}))`
  const save = (one: string, value: string) =>
    `(v128.store offset=${16 * ACCUMULATORS.indexOf(one)} (local.get $state) ${value})`
  const sum = (one: string) => `(i64x2.add ${load(one, 'state')} ${load(one, 'next')})`
  const running = (sums: string, one: string) =>
    save(sums, `(i64x2.add ${sum(sums)} (i64x2.mul (local.get $n) ${load(one, 'state')}))`)
  return `
  (func (export "join") (param $state i32) (param $next i32) (param $blocks i32)
    (local $n v128)
    (local.set $n (i64x2.splat (i64.extend_i32_u (local.get $blocks))))
    ${running('sums', 'sum')}
    ${running('highs', 'high')}
    ${save('sum', sum('sum'))}
    ${save('high', sum('high'))}
    ${save('largest', `(i32x4.max_u ${load('largest', 'state')} ${load('largest', 'next')})`)})`
}

function start(): string {
  const zero = (_: string, nth: number) => `(v128.store offset=${16 * nth} (local.get $state) (v128.const i64x2 0 0))`
  return `
  (func (export "start") (param $state i32)
    ${ACCUMULATORS.map(zero).join('\n    ')})`
}

export function compileScan(): string {
  return start() + pass('scan', true) + pass('sum', false) + join()
}
