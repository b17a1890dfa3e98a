/**
 * Matrix products for convolutions (src/tensor/wasm-conv2d.ts). Rows lie anywhere in memory: a list of pairs of byte
 * offsets names them. A tile of up to 6 × 8 sums stays in registers, which are 16, 2 of them for the right operand.
 * `relaxed_madd` is one instruction where the processor has it, else a product and a sum.
 */
import {
  addEight,
  advance,
  atLeast,
  BLOCK_BYTES,
  FLOAT_BYTES,
  get,
  lines,
  locals,
  loopWhile,
  range,
  set,
} from './wat.ts'

const ROWS = 6
const COLUMNS = 8
const PANEL_ROW_BYTES = COLUMNS * FLOAT_BYTES
const PAIR_BYTES = 8
/** Terms of a sum that the inner loop computes before it advances its pointers. */
const UNROLLED = 4

const sumsOf = (rows: number) => range(rows).flatMap((i) => [`lo${i}`, `hi${i}`])
const pointersOf = (rows: number) => range(rows).map((i) => `p${i}`)

/** Adds the first `width` of eight floats to those at `at`. */
const ADD_NARROW = `
  (func $addNarrow (param $at i32) (param $lo v128) (param $hi v128) (param $width i32)
    (if (i32.ge_s (local.get $width) (i32.const 4)) (then
      (v128.store (local.get $at) (f32x4.add (v128.load (local.get $at)) (local.get $lo)))
      ${advance('at', BLOCK_BYTES)}
      ${set('lo', get('hi'))}
      ${advance('width', -4)}))
    ${lines(
      range(3).map(
        (i) => `(if (i32.gt_s (local.get $width) (i32.const ${i})) (then
      (f32.store offset=${4 * i} (local.get $at)
        (f32.add (f32.load offset=${4 * i} (local.get $at)) (f32x4.extract_lane ${i} (local.get $lo))))))`,
      ),
    )})`

/** Adds row i of the tile to the eight, or at the right edge fewer, floats at `address`. */
function addRow(i: number, address: string): string {
  return `${set('at', address)}
    (if ${atLeast('width', COLUMNS)} (then ${addEight('at', `lo${i}`, `hi${i}`)})
      (else (call $addNarrow ${get('at')} ${get(`lo${i}`)} ${get(`hi${i}`)} ${get('width')})))`
}

/** One term of each sum of the tile: row i's factor is loaded from `left(i)`, the columns' from `right`. */
function term(rows: number, left: (i: number) => string, right: (half: 0 | 1) => string): string[] {
  const row = (i: number) => [
    set('left', `(v128.load32_splat ${left(i)})`),
    set(`lo${i}`, `(f32x4.relaxed_madd ${get('left')} ${get('right0')} ${get(`lo${i}`)})`),
    set(`hi${i}`, `(f32x4.relaxed_madd ${get('left')} ${get('right1')} ${get(`hi${i}`)})`),
  ]
  return [
    set('right0', `(v128.load ${right(0)})`),
    set('right1', `(v128.load ${right(1)})`),
    ...range(rows).flatMap(row),
  ]
}

/** to[pairs[i].to] += from[pairs[i].from] · panel, for the next `rows` pairs. */
function multiplyTile(rows: number): string {
  const terms = (count: number) => [
    ...range(count).flatMap((u) =>
      term(
        rows,
        (i) => `offset=${u * FLOAT_BYTES} ${get(`p${i}`)}`,
        (half) => `offset=${u * PANEL_ROW_BYTES + half * BLOCK_BYTES} ${get('panel')}`,
      ),
    ),
    ...pointersOf(rows).map((pointer) => advance(pointer, count * FLOAT_BYTES)),
    advance('panel', count * PANEL_ROW_BYTES),
    advance('depth', -count),
  ]
  return `
  (func $multiply${rows} (param $pairs i32) (param $from i32) (param $panel i32) (param $to i32) (param $depth i32) (param $width i32)
    ${locals('i32', [...pointersOf(rows), 'at'])} ${locals('v128', [...sumsOf(rows), 'left', 'right0', 'right1'])}
    ${lines(range(rows).map((i) => set(`p${i}`, `(i32.add ${get('from')} (i32.load offset=${i * PAIR_BYTES} ${get('pairs')}))`)))}
    ${loopWhile('several', atLeast('depth', UNROLLED), terms(UNROLLED))}
    ${loopWhile('one', get('depth'), terms(1))}
    ${lines(range(rows).map((i) => addRow(i, `(i32.add ${get('to')} (i32.load offset=${i * PAIR_BYTES + 4} ${get('pairs')}))`)))})`
}

/** sums[i][j] += Σ over pairs of left[pair.left][i] · right[pair.right][j], for `rows` values of i and eight of j. */
function outerTile(rows: number): string {
  const body = [
    set('p', `(i32.add ${get('left0')} (i32.load ${get('pairs')}))`),
    set('q', `(i32.add ${get('right')} (i32.load offset=4 ${get('pairs')}))`),
    ...term(
      rows,
      (i) => `offset=${i * FLOAT_BYTES} ${get('p')}`,
      (half) => `offset=${half * BLOCK_BYTES} ${get('q')}`,
    ),
    advance('pairs', PAIR_BYTES),
  ]
  return `
  (func $outer${rows} (param $pairs i32) (param $end i32) (param $left0 i32) (param $right i32) (param $sums i32) (param $rowBytes i32) (param $width i32)
    ${locals('i32', ['p', 'q', 'at'])} ${locals('v128', [...sumsOf(rows), 'left', 'right0', 'right1'])}
    ${loopWhile('each', `(i32.ne ${get('pairs')} ${get('end')})`, body)}
    ${lines(range(rows).flatMap((i) => [addRow(i, get('sums')), advance('sums', get('rowBytes'))]))})`
}

/** Calls the tile function for as many rows as are left, at most ROWS. */
function dispatch(name: string, left: string, call: string): string {
  return range(ROWS).reduceRight(
    (rest, i) =>
      i === ROWS - 1
        ? `(call $${name}${ROWS} ${call})`
        : `(if (i32.eq ${get(left)} (i32.const ${i + 1})) (then (call $${name}${i + 1} ${call})) (else ${rest}))`,
    '',
  )
}

function isAdjacent(stride: string): string {
  return `(i32.eq ${get(stride)} (i32.const ${FLOAT_BYTES}))`
}

/** A row of a panel whose eight columns are adjacent in the matrix. */
const COPY_ROW = [
  ...[0, BLOCK_BYTES].map(
    (offset) => `(v128.store offset=${offset} ${get('to')} (v128.load offset=${offset} ${get('row')}))`,
  ),
  advance('to', PANEL_ROW_BYTES),
  advance('row', get('depthStride')),
  advance('k', -1),
]

/** The lanes of a and b, counted from 0 to 7, in this order. */
function shuffle(lanes: readonly number[], a: string, b: string): string {
  const bytes = lanes.flatMap((lane) => range(FLOAT_BYTES).map((byte) => FLOAT_BYTES * lane + byte))
  return `(i8x16.shuffle ${bytes.join(' ')} ${get(a)} ${get(b)})`
}

/** Transposes the block in r0 … r3. */
const TRANSPOSE_BLOCK = [
  set('s0', shuffle([0, 4, 1, 5], 'r0', 'r1')),
  set('s1', shuffle([2, 6, 3, 7], 'r0', 'r1')),
  set('s2', shuffle([0, 4, 1, 5], 'r2', 'r3')),
  set('s3', shuffle([2, 6, 3, 7], 'r2', 'r3')),
  set('r0', shuffle([0, 1, 4, 5], 's0', 's2')),
  set('r1', shuffle([2, 3, 6, 7], 's0', 's2')),
  set('r2', shuffle([0, 1, 4, 5], 's1', 's3')),
  set('r3', shuffle([2, 3, 6, 7], 's1', 's3')),
]

/** Four rows of a panel that are adjacent in each of eight columns of the matrix: two blocks of 4 × 4. */
const TRANSPOSE_FOUR_ROWS = [
  set('at', get('row')),
  ...[0, BLOCK_BYTES].flatMap((offset) => [
    ...range(4).flatMap((i) => [set(`r${i}`, `(v128.load ${get('at')})`), advance('at', get('widthStride'))]),
    ...TRANSPOSE_BLOCK,
    ...range(4).map((i) => `(v128.store offset=${i * PANEL_ROW_BYTES + offset} ${get('to')} ${get(`r${i}`)})`),
  ]),
  advance('to', 4 * PANEL_ROW_BYTES),
  advance('row', 4 * FLOAT_BYTES),
  advance('k', -4),
]

/** A row of a panel with any strides, or with fewer than eight columns. */
const COPY_SINGLY = [
  set('at', get('row')),
  set('j', '(i32.const 0)'),
  loopWhile('column', `(i32.lt_s ${get('j')} (i32.const ${COLUMNS}))`, [
    `(f32.store ${get('to')} (if (result f32) (i32.lt_s ${get('j')} ${get('width')}) (then (f32.load ${get('at')})) (else (f32.const 0))))`,
    advance('at', get('widthStride')),
    advance('to', FLOAT_BYTES),
    advance('j', 1),
  ]),
  advance('row', get('depthStride')),
  advance('k', -1),
]

const MULTIPLY = `
  (func (export "multiply") (param $pairs i32) (param $count i32) (param $from i32) (param $panels i32) (param $to i32) (param $depth i32) (param $width i32) (param $panelBytes i32)
    (local $next i32) (local $left i32)
    ${loopWhile('panel', atLeast('width', 1), [
      set('next', get('pairs')),
      set('left', get('count')),
      loopWhile('tile', atLeast('left', 1), [
        dispatch('multiply', 'left', ['next', 'from', 'panels', 'to', 'depth', 'width'].map(get).join(' ')),
        advance('next', ROWS * PAIR_BYTES),
        advance('left', -ROWS),
      ]),
      advance('panels', get('panelBytes')),
      advance('to', PANEL_ROW_BYTES),
      advance('width', -COLUMNS),
    ])})`

const OUTER = `
  (func (export "outer") (param $pairs i32) (param $count i32) (param $left0 i32) (param $right0 i32) (param $sums0 i32) (param $rows i32) (param $columns i32)
    (local $end i32) (local $rowBytes i32) (local $right i32) (local $sums i32) (local $width i32)
    ${set('end', `(i32.add ${get('pairs')} (i32.mul ${get('count')} (i32.const ${PAIR_BYTES})))`)}
    ${set('rowBytes', `(i32.mul ${get('columns')} (i32.const ${FLOAT_BYTES}))`)}
    ${loopWhile('row', atLeast('rows', 1), [
      set('right', get('right0')),
      set('sums', get('sums0')),
      set('width', get('columns')),
      loopWhile('tile', atLeast('width', 1), [
        dispatch('outer', 'rows', ['pairs', 'end', 'left0', 'right', 'sums', 'rowBytes', 'width'].map(get).join(' ')),
        advance('right', PANEL_ROW_BYTES),
        advance('sums', PANEL_ROW_BYTES),
        advance('width', -COLUMNS),
      ]),
      advance('left0', ROWS * FLOAT_BYTES),
      advance('sums0', `(i32.mul ${get('rowBytes')} (i32.const ${ROWS}))`),
      advance('rows', -ROWS),
    ])})`

/**
 * Copies a matrix of depth × width into panels of eight columns, so that `multiply` reads it in order; missing columns
 * are 0. The strides are bytes from one element to the next along each axis, so the matrix may be a transposed one.
 */
const PACK = `
  (func (export "pack") (param $from i32) (param $to i32) (param $depth i32) (param $width i32) (param $depthStride i32) (param $widthStride i32)
    (local $row i32) (local $k i32) (local $j i32) (local $at i32) ${locals('v128', ['r0', 'r1', 'r2', 'r3', 's0', 's1', 's2', 's3'])}
    ${loopWhile('panel', atLeast('width', 1), [
      set('row', get('from')),
      set('k', get('depth')),
      `(if (i32.and ${atLeast('width', COLUMNS)} ${isAdjacent('widthStride')}) (then ${loopWhile('copy', get('k'), COPY_ROW)}))`,
      `(if (i32.and ${atLeast('width', COLUMNS)} ${isAdjacent('depthStride')}) (then ${loopWhile('transpose', atLeast('k', 4), TRANSPOSE_FOUR_ROWS)}))`,
      loopWhile('depth', get('k'), COPY_SINGLY),
      advance('from', `(i32.mul ${get('widthStride')} (i32.const ${COLUMNS}))`),
      advance('width', -COLUMNS),
    ])})`

export function matrixFunctions(): string {
  const tiles = range(ROWS).flatMap((i) => [multiplyTile(i + 1), outerTile(i + 1)])
  return [ADD_NARROW, ...tiles, MULTIPLY, OUTER, PACK].join('\n')
}
