/**
 * The two conventions for a ResNet of the same shapes: weights that were trained in one compute something else in the
 * other, without any error.
 */
import type { BackboneOptions } from './backbone.ts'

export type Variant = Required<Pick<BackboneOptions, 'stridePlacement' | 'rootPadding' | 'input'>>

/** By the names of `spec.model.variant`; a name that is missing here is a type error in src/tasks. */
export const VARIANTS = {
  slim: { stridePlacement: 'lastUnit', rootPadding: 'same', input: { type: 'symmetric' } },
  torchvision: {
    stridePlacement: 'firstUnit',
    rootPadding: 'symmetric',
    input: { type: 'standardised', mean: [0.485, 0.456, 0.406], stddev: [0.229, 0.224, 0.225] },
  },
} as const satisfies Readonly<Record<string, Variant>>
