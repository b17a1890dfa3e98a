/**
 * Compiles an ElementKernel into a WebAssembly text function: a loop over blocks of four elements, then a loop over the
 * rest. It stores zero instead of values below the smallest normal float32: the momentum of a weight without gradients
 * would decay to such values and remain there, and arithmetic with them takes twice as long.
 */
import type { ElementKernel } from '../src/ps/kernel.ts'

interface Lanes {
  bytes: 4 | 16
  /** Type of a value, and prefix of its operations. */
  value: 'f32' | 'v128'
  operation: 'f32' | 'f32x4'
}

const BLOCK: Lanes = { bytes: 16, value: 'v128', operation: 'f32x4' }
const SINGLE: Lanes = { bytes: 4, value: 'f32', operation: 'f32' }
const OPERATIONS: Readonly<Record<string, string>> = { '+': 'add', '-': 'sub', '*': 'mul', '/': 'div' }
const ASSIGNMENT = /^\s*([a-z]\w*)\s*=\s*(.+?)\s*$/i
const TOKEN = /\s*([a-z]\w*|\d+(?:\.\d+)?|[-+*/()])/giy

export function compileKernel({ name, arrays, scalars, formula }: ElementKernel): string {
  const statements = formula
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map(parseAssignment)
  const targets = [...new Set([...arrays, ...statements.map(({ target }) => target)])]
  const locals = (lanes: Lanes) => targets.map((target) => `(local $${target}_${lanes.value} ${lanes.value})`).join(' ')
  // Before the loop: the compiler of V8 would repeat them in each turn.
  const splats = scalars.map((scalar) => `(local.set $${scalar}_v128 (f32x4.splat (local.get $${scalar})))`)
  const loop = (lanes: Lanes, end: string) => `
    (block $done_${lanes.value}
      (loop $next_${lanes.value}
        (br_if $done_${lanes.value} (i32.ge_u (local.get $i) (local.get $${end})))
        ${body(statements, arrays, scalars, lanes).join('\n        ')}
        (local.set $i (i32.add (local.get $i) (i32.const ${lanes.bytes})))
        (br $next_${lanes.value})))`
  return `
  (func (export "${name}") ${arrays.map((array) => `(param $${array} i32)`).join(' ')} (param $n i32)
      ${scalars.map((scalar) => `(param $${scalar} f32)`).join(' ')}
    (local $i i32) (local $blocks i32) (local $end i32)
    ${locals(BLOCK)}
    ${locals(SINGLE)}
    ${scalars.map((scalar) => `(local $${scalar}_v128 v128)`).join(' ')} (local $magnitude v128) (local $tiny v128)
    ${splats.join(' ')}
    (local.set $magnitude (i32x4.splat (i32.const 0x7fffffff)))
    (local.set $tiny (i32x4.splat (i32.const 0x007fffff)))
    (local.set $end (i32.shl (local.get $n) (i32.const 2)))
    (local.set $blocks (i32.and (local.get $end) (i32.const -16)))${loop(BLOCK, 'blocks')}${loop(SINGLE, 'end')})`
}

interface Assignment {
  target: string
  expression: string
}

function parseAssignment(line: string): Assignment {
  const [, target, expression] = ASSIGNMENT.exec(line) ?? []
  if (target === undefined || expression === undefined) throw new SyntaxError(`not an assignment: ${line}`)
  return { target, expression }
}

function body(
  statements: readonly Assignment[],
  arrays: readonly string[],
  scalars: readonly string[],
  lanes: Lanes,
): string[] {
  const address = (array: string) => `(i32.add (local.get $${array}) (local.get $i))`
  const set = (name: string, value: string) => `(local.set $${name}_${lanes.value} ${value})`
  const stored = arrays.filter((array) => statements.some(({ target }) => target === array))
  const read = arrays.filter((array) => statements.some(({ expression }) => tokensOf(expression).includes(array)))
  const known = new Set<string>(arrays)
  const assign = ({ target, expression }: Assignment) => {
    const value = compileExpression(expression, { scalars, known, lanes })
    known.add(target)
    return set(target, value)
  }
  return [
    ...read.map((array) => set(array, `(${lanes.value}.load ${address(array)})`)),
    ...statements.map(assign),
    ...stored.map(
      (array) => `(${lanes.value}.store ${address(array)} ${flushed(`(local.get $${array}_${lanes.value})`, lanes)})`,
    ),
  ]
}

interface Scope {
  scalars: readonly string[]
  /** Arrays, and targets of earlier assignments. */
  known: ReadonlySet<string>
  lanes: Lanes
}

/** Parses by recursive descent: sums of products of factors, left-associative. */
function compileExpression(text: string, { scalars, known, lanes }: Scope): string {
  const tokens = tokensOf(text)
  const take = (expected: string) => {
    const token = tokens.shift()
    if (token !== expected) throw new SyntaxError(`${text}: '${expected}' expected instead of '${token}'`)
  }
  const chain = (operators: string, operand: () => string) => {
    let value = operand()
    while (tokens[0] !== undefined && operators.includes(tokens[0])) {
      const operation = OPERATIONS[tokens.shift() as string]
      value = `(${lanes.operation}.${operation} ${value} ${operand()})`
    }
    return value
  }
  const sum = (): string => chain('+-', () => chain('*/', factor))
  const parenthesised = () => {
    take('(')
    const value = sum()
    take(')')
    return value
  }
  const factor = (): string => {
    if (tokens[0] === '(') return parenthesised()
    const token = tokens.shift() ?? ''
    if (token === 'sqrt') return `(${lanes.operation}.sqrt ${parenthesised()})`
    if (/^\d/.test(token)) return splat(`(f32.const ${token})`, lanes)
    if (scalars.includes(token))
      return lanes.operation === 'f32' ? `(local.get $${token})` : `(local.get $${token}_v128)`
    if (known.has(token)) return `(local.get $${token}_${lanes.value})`
    throw new SyntaxError(`${text}: '${token}' is no value`)
  }
  const value = sum()
  if (tokens.length > 0) throw new SyntaxError(`${text}: '${tokens[0]}' is left over`)
  return value
}

function splat(value: string, { operation }: Lanes): string {
  return operation === 'f32' ? value : `(f32x4.splat ${value})`
}

/** The value, or zero if its magnitude is below that of every normal float32. As integers, magnitudes have the same order. */
function flushed(value: string, { operation }: Lanes): string {
  if (operation === 'f32') return `(select (f32.const 0) ${value} (f32.lt (f32.abs ${value}) (f32.const 0x1p-126)))`
  return `(v128.and ${value} (i32x4.gt_s (v128.and ${value} (local.get $magnitude)) (local.get $tiny)))`
}

function tokensOf(text: string): string[] {
  const tokens: string[] = []
  TOKEN.lastIndex = 0
  for (let match = TOKEN.exec(text); match; match = TOKEN.exec(text)) tokens.push(match[1] ?? '')
  if (tokens.join('') !== text.replaceAll(/\s/g, '')) throw new SyntaxError(`cannot read: ${text}`)
  return tokens
}
