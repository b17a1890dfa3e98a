import type { VariableSpec } from '../../src/support/variables.ts'
import type { ShardLayout } from '../../src/wire/layout.ts'
import { wholeLayout } from '../../src/wire/layout.ts'

export const VALUES = 10_000_000
const PARTS = 20

const variables: readonly VariableSpec[] = Array.from({ length: PARTS }, (_, i) => ({
  ...{ name: `w${i}`, shape: [VALUES / PARTS], kind: 'trainable', decay: false, init: { type: 'zeros' } },
}))

export const WHOLE: ShardLayout = wholeLayout({ variables })

export function arrays(): Map<string, Float32Array> {
  return new Map(WHOLE.entries.map(({ name, length }) => [name, new Float32Array(length).fill(0.5)]))
}
