/**
 * Loops over a matrix of rows (pixels) × channels with values for each channel, for batch norm (src/tensor/wasm-batch-norm.ts).
 * They take 16 channels at once, then 4, then 1. Each sum is of at most BLOCK_ROWS rows before it is added to memory,
 * which keeps its rounding error small, and the rows in the processor's cache.
 */
import { advance, atLeast, FLOAT_BYTES, get, locals, loopWhile, range, set } from './wat.ts'

const BLOCK_ROWS = 64

interface Lanes {
  /** Registers, one after the other in memory. */
  registers: number
  type: 'v128' | 'f32'
  operation: 'f32x4' | 'f32'
  bytes: number
}

const GROUPS: readonly Lanes[] = [
  { registers: 4, type: 'v128', operation: 'f32x4', bytes: 16 },
  { registers: 1, type: 'v128', operation: 'f32x4', bytes: 16 },
  { registers: 1, type: 'f32', operation: 'f32', bytes: 4 },
]

/** Operations on the values of one register. */
export interface Arithmetic {
  add(a: string, b: string): string
  sub(a: string, b: string): string
  mul(a: string, b: string): string
}

interface ChannelKernel {
  readonly name: string
  /** Matrices that are read, and the matrix that is written. */
  readonly inputs: readonly string[]
  readonly output?: string
  /** Values of each channel that are read, and sums of each channel that are added to. */
  readonly vectors: readonly string[]
  readonly sums?: readonly string[]
  /** @returns the new value of the output and of each sum, from those of inputs, vectors and sums */
  formula(arithmetic: Arithmetic, value: (name: string) => string): Readonly<Record<string, string>>
}

const KERNELS: readonly ChannelKernel[] = [
  {
    name: 'moments',
    inputs: ['x'],
    vectors: ['shift'],
    sums: ['sum', 'squares'],
    formula: ({ add, sub, mul }, value) => {
      const shifted = sub(value('x'), value('shift'))
      return { sum: add(value('sum'), shifted), squares: add(value('squares'), mul(shifted, shifted)) }
    },
  },
  {
    name: 'normalise',
    inputs: ['x'],
    output: 'y',
    vectors: ['mean', 'scale', 'beta'],
    formula: ({ add, sub, mul }, value) => ({
      y: add(mul(sub(value('x'), value('mean')), value('scale')), value('beta')),
    }),
  },
  {
    name: 'gradientSums',
    inputs: ['dy', 'x'],
    vectors: ['mean'],
    sums: ['sum', 'products'],
    formula: ({ add, sub, mul }, value) => ({
      sum: add(value('sum'), value('dy')),
      products: add(value('products'), mul(value('dy'), sub(value('x'), value('mean')))),
    }),
  },
  {
    name: 'normaliseGradient',
    inputs: ['dy', 'x'],
    output: 'dx',
    vectors: ['mean', 'scale', 'slope', 'constant'],
    formula: ({ add, sub, mul }, value) => ({
      dx: add(
        mul(value('dy'), value('scale')),
        add(mul(sub(value('x'), value('mean')), value('slope')), value('constant')),
      ),
    }),
  },
]

function arithmeticOf({ operation }: Lanes): Arithmetic {
  const binary = (name: string) => (a: string, b: string) => `(${operation}.${name} ${a} ${b})`
  return { add: binary('add'), sub: binary('sub'), mul: binary('mul') }
}

/** Parameters: addresses of inputs, output, vectors and sums; then rows and channels. */
function channelFunction(kernel: ChannelKernel): string {
  const { name, inputs, output, vectors, sums = [] } = kernel
  const matrices = [...inputs, ...(output ? [output] : [])]
  const perChannel = [...vectors, ...sums]
  const advanceAll = (names: readonly string[], amount: string | number) => names.map((one) => advance(one, amount))
  const block = GROUPS.map((lanes, i) =>
    loopWhile(`group${i}`, atLeast('left', (lanes.registers * lanes.bytes) / FLOAT_BYTES), [
      ...groupBody(kernel, lanes, i),
      ...advanceAll([...matrices, ...perChannel], lanes.registers * lanes.bytes),
      advance('left', (-lanes.registers * lanes.bytes) / FLOAT_BYTES),
    ]),
  )
  const params = [...matrices, ...perChannel, 'rows', 'channels'].map((one) => `(param $${one} i32)`).join(' ')
  return `
  (func (export "${name}") ${params}
    ${locals('i32', ['left', 'some', 'count', 'rowBytes', 'at'])}
    ${GROUPS.map((lanes, i) => locals(lanes.type, registersOf([...perChannel, ...inputs], lanes, i))).join(' ')}
    ${set('rowBytes', `(i32.mul ${get('channels')} (i32.const ${FLOAT_BYTES}))`)}
    ${loopWhile('block', atLeast('rows', 1), [
      set(
        'some',
        `(select ${get('rows')} (i32.const ${BLOCK_ROWS}) (i32.lt_s ${get('rows')} (i32.const ${BLOCK_ROWS})))`,
      ),
      set('left', get('channels')),
      ...block,
      ...advanceAll(matrices, `(i32.mul ${get('rowBytes')} (i32.sub ${get('some')} (i32.const 1)))`),
      ...advanceAll(perChannel, `(i32.sub (i32.const 0) ${get('rowBytes')})`),
      advance('rows', `(i32.sub (i32.const 0) ${get('some')})`),
    ])})`
}

function registersOf(names: readonly string[], { registers }: Lanes, group: number): string[] {
  return names.flatMap((name) => range(registers).map((r) => registerOf(name, group, r)))
}

function registerOf(name: string, group: number, register: number): string {
  return `${name}${group}_${register}`
}

/** One group of channels of one block of rows. */
function groupBody(
  { inputs, output, vectors, sums = [], formula }: ChannelKernel,
  lanes: Lanes,
  group: number,
): string[] {
  const registers = range(lanes.registers)
  const address = (name: string) => `(i32.add ${get(name)} ${get('at')})`
  const row = registers.flatMap((r) => {
    const offset = `offset=${r * lanes.bytes}`
    const result = formula(arithmeticOf(lanes), (name) => get(registerOf(name, group, r)))
    return [
      ...inputs.map((name) => set(registerOf(name, group, r), `(${lanes.type}.load ${offset} ${address(name)})`)),
      ...sums.map((name) => set(registerOf(name, group, r), result[name] as string)),
      ...(output ? [`(${lanes.type}.store ${offset} ${address(output)} ${result[output]})`] : []),
    ]
  })
  const inMemory = (name: string, r: number) => `offset=${r * lanes.bytes} ${get(name)}`
  return [
    ...[...vectors, ...sums].flatMap((name) =>
      registers.map((r) =>
        set(
          registerOf(name, group, r),
          sums.includes(name) ? zero(lanes) : `(${lanes.type}.load ${inMemory(name, r)})`,
        ),
      ),
    ),
    set('count', get('some')),
    set('at', '(i32.const 0)'),
    loopWhile(`row${group}`, get('count'), [...row, advance('at', get('rowBytes')), advance('count', -1)]),
    ...sums.flatMap((name) =>
      registers.map(
        (r) =>
          `(${lanes.type}.store ${inMemory(name, r)} (${lanes.operation}.add (${lanes.type}.load ${inMemory(name, r)}) ${get(registerOf(name, group, r))}))`,
      ),
    ),
  ]
}

function zero({ type }: Lanes): string {
  return type === 'f32' ? '(f32.const 0)' : '(v128.const f32x4 0 0 0 0)'
}

export function channelFunctions(): string {
  return KERNELS.map(channelFunction).join('\n')
}
