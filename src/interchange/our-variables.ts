/** The variables of networks here, as jobs declare them. */
import type { BackboneName } from '../models/architectures.ts'
import { buildBackbone } from '../models/backbone.ts'
import type { VariableSpec } from '../support/variables.ts'
import { slicedHead } from '../tasks/sliced-head.ts'
import { TORCH_EPSILON } from './metadata.ts'

export function backboneVariables(name: BackboneName): readonly VariableSpec[] {
  return backboneOf(name).variables
}

/** Channels of the last feature: the inputs of the last layer. */
export function featuresOf(name: BackboneName): number {
  return backboneOf(name).features.at(-1)?.channels ?? 0
}

/** A last layer in one slice. */
export function headVariables(name: BackboneName, classes: number): readonly VariableSpec[] {
  return slicedHead({ classes, headSlices: 1 }, featuresOf(name)).variables
}

function backboneOf(name: BackboneName) {
  return buildBackbone({ name, freeze: 'none', batchNorm: { epsilon: TORCH_EPSILON } })
}
