/**
 * The functions of encodings.wasm: the arithmetic of the formats that src/wire/encodings.ts describes, four values at a time, over
 * whole blocks of BLOCK_VALUES. What is encoded is the gradient plus the residual; `next` gets what the encoding lost of it.
 */
import { BLOCK_VALUES } from '../src/wire/encodings.ts'

type Encoding = 'fp16' | 'bf16' | 'int8'

const LANES = 4
const VECTOR_BYTES = 16
const INFINITY_BITS = '0x7f800000'
const MAX_HALF = '65504'

const get = (name: string) => `(local.get $${name})`
const set = (name: string, value: string) => `(local.set $${name} ${value})`
const ints = (value: number | string) => `(i32x4.splat (i32.const ${value}))`
const floats = (value: string) => `(f32x4.splat (f32.const ${value}))`
const choose = (yes: string, no: string, where: string) => `(v128.bitselect ${yes} ${no} ${where})`
const load = (from: string, offset: number) => `(v128.load offset=${offset} ${get(from)})`
const store = (to: string, offset: number, value: string) => `(v128.store offset=${offset} ${get(to)} ${value})`
const magnitude = (value: string) => `(v128.and ${value} ${ints('0x7fffffff')})`
const advance = (pointer: string, bytes: number) => set(pointer, `(i32.add ${get(pointer)} (i32.const ${bytes}))`)

/** `e`: the gradient and the residual of four values. */
const sum = (nth: number) =>
  set('e', `(f32x4.add ${load('gradient', VECTOR_BYTES * nth)} ${load('residual', VECTOR_BYTES * nth)})`)

function repeat(label: string, count: string, body: string): string {
  return `
    (block $no_${label}
      (loop $${label}
        (br_if $no_${label} (i32.eqz ${get(count)}))
        ${body}
        ${set(count, `(i32.sub ${get(count)} (i32.const 1))`)}
        (br $${label})))`
}

/** How a format with 16 bits a value rounds. */
interface Half {
  /** From `e`, 16 bits in each lane with their sign extended, into `h`. May change `e` to what it can express. */
  round: string
  /** From `h`, as unsigned 16 bits in each lane. */
  expand: string
}

/** From bits of a float32: adds half of the last place, or a little less if that place is even, and cuts the rest off. */
const roundedBits = (bits: string, cut: number, more = 0) =>
  `(i32x4.add (i32x4.add ${bits} ${ints(2 ** (cut - 1) - 1 + more)}) (v128.and (i32x4.shr_u ${bits} (i32.const ${cut})) ${ints(1)}))`

const REBIAS = (127 - 15) << 23

const FP16: Half = {
  round: [
    // Infinity and NaN stay what they are.
    set('special', `(i32x4.ge_s ${magnitude(get('e'))} ${ints(INFINITY_BITS)})`),
    set(
      'e',
      choose(
        get('e'),
        `(f32x4.max (f32x4.min ${get('e')} ${floats(MAX_HALF)}) ${floats(`-${MAX_HALF}`)})`,
        get('special'),
      ),
    ),
    set('a', magnitude(get('e'))),
    set('normal', `(i32x4.shr_u ${roundedBits(get('a'), 13, -REBIAS)} (i32.const 13))`),
    // Adding 0.5 moves the last place of a subnormal half to the last place of a float32.
    set('small', `(i32x4.sub (f32x4.add ${get('a')} ${floats('0.5')}) ${floats('0.5')})`),
    set('h', choose(get('small'), get('normal'), `(i32x4.lt_s ${get('a')} ${ints((127 - 14) << 23)})`)),
    set('nan', `(v128.and (f32x4.ne ${get('e')} ${get('e')}) ${ints(0x200)})`),
    set('h', choose(`(v128.or ${get('nan')} ${ints(0x7c00)})`, get('h'), get('special'))),
    set('h', `(v128.or ${get('h')} (i32x4.shr_s (v128.and ${get('e')} ${ints('0x80000000')}) (i32.const 16)))`),
  ].join('\n        '),
  expand: [
    set('a', `(v128.and ${get('h')} ${ints(0x7fff)})`),
    set('normal', `(i32x4.add (i32x4.shl ${get('a')} (i32.const 13)) ${ints(REBIAS)})`),
    set('normal', `(i32x4.add ${get('normal')} (v128.and (i32x4.gt_s ${get('a')} ${ints(0x7bff)}) ${ints(REBIAS)}))`),
    set('small', `(f32x4.mul (f32x4.convert_i32x4_s ${get('a')}) ${floats('0x1p-24')})`),
    set('d', choose(get('small'), get('normal'), `(i32x4.lt_s ${get('a')} ${ints(0x400)})`)),
    set('d', `(v128.or ${get('d')} (i32x4.shl (v128.and ${get('h')} ${ints(0x8000)}) (i32.const 16)))`),
  ].join('\n        '),
}

const BF16: Half = {
  round: [
    set('h', `(i32x4.shr_s ${roundedBits(get('e'), 16)} (i32.const 16))`),
    // The sum above could carry into the sign of a NaN.
    set('nan', `(v128.or (i32x4.shr_s ${get('e')} (i32.const 16)) ${ints(0x40)})`),
    set('h', choose(get('nan'), get('h'), `(f32x4.ne ${get('e')} ${get('e')})`)),
  ].join('\n        '),
  expand: set('d', `(i32x4.shl ${get('h')} (i32.const 16))`),
}

/** Eight values in one turn: their halves fill a vector. */
function encodeHalves({ round, expand }: Half): string {
  const four = (nth: number) => `
        ${sum(nth)}
        ${round}
        ${set(`h${nth}`, get('h'))}
        ${expand}
        ${store('next', VECTOR_BYTES * nth, `(f32x4.sub ${get('e')} ${get('d')})`)}`
  return `${set('turns', `(i32.mul ${get('blocks')} (i32.const ${BLOCK_VALUES / 8}))`)}
    ${repeat(
      'eight',
      'turns',
      `${four(0)}${four(1)}
        ${store('to', 0, `(i16x8.narrow_i32x4_s ${get('h0')} ${get('h1')})`)}
        ${advance('to', VECTOR_BYTES)}
        ${['gradient', 'residual', 'next'].map((pointer) => advance(pointer, 2 * VECTOR_BYTES)).join('\n        ')}`,
    )}`
}

function decodeHalves({ expand }: Half): string {
  const four = (nth: number, half: 'low' | 'high') => `
        ${set('h', `(i32x4.extend_${half}_i16x8_u ${get('h0')})`)}
        ${expand}
        ${store('to', VECTOR_BYTES * nth, get('d'))}`
  return `${set('turns', `(i32.mul ${get('blocks')} (i32.const ${BLOCK_VALUES / 8}))`)}
    ${repeat(
      'eight',
      'turns',
      `${set('h0', load('from', 0))}${four(0, 'low')}${four(1, 'high')}
        ${advance('from', VECTOR_BYTES)}
        ${advance('to', 2 * VECTOR_BYTES)}`,
    )}`
}

const SCALE_BYTES = 4
/** Below it the reciprocal of the scale could be infinite: such a block is sent as zeros, and the residual keeps it. */
const SMALLEST_MAXIMUM = '0x1p-100'
const MOST = '127'

/** Stores the sums in `next`, and their largest magnitude in `largest`; NaN if one is NaN. */
const FIND_LARGEST = `${set('largest', floats('0'))}
        ${set('at', get('next'))}
        ${set('turns', `(i32.const ${BLOCK_VALUES / LANES})`)}
        ${repeat(
          'sum',
          'turns',
          `${sum(0)}
        ${store('at', 0, get('e'))}
        ${set('largest', `(f32x4.max ${get('largest')} (f32x4.abs ${get('e')}))`)}
        ${['gradient', 'residual', 'at'].map((pointer) => advance(pointer, VECTOR_BYTES)).join('\n        ')}`,
        )}
        ${set(
          'most',
          [1, 2, 3].reduce(
            (most, lane) => `(f32.max ${most} (f32x4.extract_lane ${lane} ${get('largest')}))`,
            `(f32x4.extract_lane 0 ${get('largest')})`,
          ),
        )}`

const unlessTiny = (value: string) =>
  `(select (f32.const 0) ${value} (f32.lt ${get('most')} (f32.const ${SMALLEST_MAXIMUM})))`

/** Sixteen values in one turn: their bytes fill a vector. */
function encodeBytes(): string {
  const four = (nth: number) => `
        ${set('e', load('next', VECTOR_BYTES * nth))}
        ${set(`h${nth}`, `(i32x4.trunc_sat_f32x4_s (f32x4.nearest (f32x4.mul ${get('e')} ${get('inverse')})))`)}
        ${store('next', VECTOR_BYTES * nth, `(f32x4.sub ${get('e')} (f32x4.mul (f32x4.convert_i32x4_s ${get(`h${nth}`)}) ${get('scales')}))`)}`
  const pair = (a: number, b: number) => `(i16x8.narrow_i32x4_s ${get(`h${a}`)} ${get(`h${b}`)})`
  return repeat(
    'block',
    'blocks',
    `${FIND_LARGEST}
        ${set('scale', unlessTiny(`(f32.div ${get('most')} (f32.const ${MOST}))`))}
        ${set('inverse', `(f32x4.splat ${unlessTiny(`(f32.div (f32.const ${MOST}) ${get('most')})`)})`)}
        (f32.store ${get('to')} ${get('scale')})
        ${advance('to', SCALE_BYTES)}
        ${set('scales', `(f32x4.splat ${get('scale')})`)}
        ${set('turns', `(i32.const ${BLOCK_VALUES / 16})`)}
        ${repeat(
          'sixteen',
          'turns',
          `${[0, 1, 2, 3].map(four).join('')}
        ${store('to', 0, `(i8x16.narrow_i16x8_s ${pair(0, 1)} ${pair(2, 3)})`)}
        ${advance('to', VECTOR_BYTES)}
        ${advance('next', 4 * VECTOR_BYTES)}`,
        )}`,
  )
}

function decodeBytes(): string {
  const four = (nth: number) => {
    const half = nth < 2 ? 'low' : 'high'
    const wide = `(i32x4.extend_${nth % 2 === 0 ? 'low' : 'high'}_i16x8_s (i16x8.extend_${half}_i8x16_s ${get('h0')}))`
    return store('to', VECTOR_BYTES * nth, `(f32x4.mul (f32x4.convert_i32x4_s ${wide}) ${get('scales')})`)
  }
  return repeat(
    'block',
    'blocks',
    `${set('scales', `(f32x4.splat (f32.load ${get('from')}))`)}
        ${advance('from', SCALE_BYTES)}
        ${set('turns', `(i32.const ${BLOCK_VALUES / 16})`)}
        ${repeat(
          'sixteen',
          'turns',
          `${set('h0', load('from', 0))}
        ${[0, 1, 2, 3].map(four).join('\n        ')}
        ${advance('from', VECTOR_BYTES)}
        ${advance('to', 4 * VECTOR_BYTES)}`,
        )}`,
  )
}

const VECTORS = [
  'e',
  'd',
  'a',
  'h',
  'h0',
  'h1',
  'h2',
  'h3',
  'normal',
  'small',
  'special',
  'nan',
  'largest',
  'inverse',
  'scales',
]
const LOCALS = [
  '(local $turns i32) (local $at i32) (local $most f32) (local $scale f32)',
  ...VECTORS.map((name) => `(local $${name} v128)`),
].join(' ')

/** Computed before the loops: the compiler of V8 would repeat them in each turn. */
const CONSTANT = /\((?:i32x4|f32x4)\.splat \((?:i32|f32)\.const [^)]*\)\)/g

function pass(name: string, parameters: readonly string[], body: string): string {
  const list = [...parameters, 'blocks'].map((one) => `(param $${one} i32)`).join(' ')
  const constants = [...new Set(body.match(CONSTANT) ?? [])]
  const hoisted = constants.reduce((text, constant, i) => text.replaceAll(constant, get(`constant${i}`)), body)
  return `
  (func (export "${name}") ${list}
    ${LOCALS} ${constants.map((_, i) => `(local $constant${i} v128)`).join(' ')}
    ${constants.map((constant, i) => set(`constant${i}`, constant)).join(' ')}
    ${hoisted})`
}

const PASSES: Readonly<Record<Encoding, { encode: string; decode: string }>> = {
  fp16: { encode: encodeHalves(FP16), decode: decodeHalves(FP16) },
  bf16: { encode: encodeHalves(BF16), decode: decodeHalves(BF16) },
  int8: { encode: encodeBytes(), decode: decodeBytes() },
}

export function compileEncodings(): string {
  const passes = Object.entries(PASSES).flatMap(([encoding, { encode, decode }]) => [
    pass(`encode_${encoding}`, ['gradient', 'residual', 'next', 'to'], encode),
    pass(`decode_${encoding}`, ['from', 'to'], decode),
  ])
  return passes.join('')
}
