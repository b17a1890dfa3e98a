import type { VariableSpec } from '../../support/variables.ts'
import { makeLayout, placeLayout, type ShardLayout } from '../../wire/layout.ts'

/** The variables of a model one after another, as the processes of a pod share them. */
export function wholeLayout({ variables }: { variables: readonly VariableSpec[] }): ShardLayout {
  return placeLayout(makeLayout(variables), 1).shards[0] as ShardLayout
}
