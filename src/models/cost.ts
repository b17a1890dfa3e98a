/**
 * What one image costs in a network, from the shapes of its variables: an estimate for planning. A unit counts at the size
 * of its output, each further convolution at that of the last feature, and a matrix once.
 */
import { sizeOf, type VariableSpec } from '../support/variables.ts'
import { ARCHITECTURES, type BackboneName, planBlocks, type StridePlacement, type UnitPlan } from './architectures.ts'

export interface ImageCost {
  /** Of a training step: the forward pass, and twice as much backward for each layer that trains. */
  readonly multiplyAdds: number
  /** Values that the backward pass needs: the output of each layer that trains, before and after its batch norm. */
  readonly activations: number
}

export interface ImageCostOptions {
  readonly backbone: BackboneName
  readonly placement: StridePlacement
  readonly outputStride?: number
  readonly variables: readonly VariableSpec[]
  /** Of an image. */
  readonly pixels: number
}

/** Forward, and backward to the inputs and to the weights. */
const PASSES = 3
const TENSORS_OF_A_LAYER = 2

export function imageCost({ backbone, placement, outputStride, variables, pixels }: ImageCostOptions): ImageCost {
  const architecture = ARCHITECTURES[backbone]
  const units = planBlocks(architecture, { placement, outputStride: outputStride ?? Number.POSITIVE_INFINITY }).flat()
  const strideOf = (name: string) => (name.startsWith('root/') ? architecture.root.stride : strideOfUnit(name, units))
  const layers = variables
    .filter(({ shape }) => shape.length === 2 || shape.length === 4)
    .map(({ name, shape, kind }) => {
      const positions = shape.length === 2 ? 1 : pixels / strideOf(name) ** 2
      const [passes, kept] = kind === 'trainable' ? [PASSES, TENSORS_OF_A_LAYER] : [1, 0]
      return { multiplyAdds: passes * positions * sizeOf(shape), kept: kept * positions * (shape.at(-1) as number) }
    })
  return {
    multiplyAdds: layers.reduce((sum, { multiplyAdds }) => sum + multiplyAdds, 0),
    activations: layers.reduce((sum, { kept }) => sum + kept, 0),
  }
}

/** Image pixels from one output of the layer to the next. */
function strideOfUnit(variable: string, units: readonly UnitPlan[]): number {
  const unit = units.find(({ name }) => variable.startsWith(`${name}/`)) ?? units.at(-1)
  return unit?.outputStride ?? 1
}
