/** Pieces of WebAssembly text. All arithmetic is on float32; a block is four of them. */

export const FLOAT_BYTES = 4
export const BLOCK_BYTES = 16

export function range(length: number): number[] {
  return Array.from({ length }, (_, i) => i)
}

export function lines(parts: readonly string[]): string {
  return parts.join('\n    ')
}

export function get(name: string): string {
  return `(local.get $${name})`
}

export function set(name: string, value: string): string {
  return `(local.set $${name} ${value})`
}

/** @param amount an expression, or a constant */
export function advance(name: string, amount: string | number): string {
  const by = typeof amount === 'number' ? `(i32.const ${amount})` : amount
  return set(name, `(i32.add ${get(name)} ${by})`)
}

export function locals(type: 'i32' | 'f32' | 'v128', names: readonly string[]): string {
  return names.map((name) => `(local $${name} ${type})`).join(' ')
}

/** Runs `body` while `condition` holds. `label` names the loop within its function. */
export function loopWhile(label: string, condition: string, body: readonly string[]): string {
  return `(block $${label}_done (loop $${label}
    (br_if $${label}_done (i32.eqz ${condition}))
    ${lines(body)}
    (br $${label})))`
}

export function atLeast(name: string, count: number): string {
  return `(i32.ge_s ${get(name)} (i32.const ${count}))`
}

/** Eight floats at `address`: `lo` and `hi` are added to them. */
export function addEight(address: string, lo: string, hi: string): string {
  const add = (offset: number, value: string) =>
    `(v128.store offset=${offset} ${get(address)} (f32x4.add (v128.load offset=${offset} ${get(address)}) ${get(value)}))`
  return `${add(0, lo)} ${add(BLOCK_BYTES, hi)}`
}
