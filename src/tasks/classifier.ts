/** The network of tasks with classes: a backbone, the mean of its last feature over the image, and a head in slices. */
import type { Backbone, Feature } from '../models/backbone.ts'
import type { Pass } from '../models/layer.ts'
import type { VariableSpec } from '../support/variables.ts'
import { type Tensor2D, type Tensor4D, tf } from '../tensor/tf.ts'
import { type HeadOptions, slicedHead } from './sliced-head.ts'

export interface Classifier {
  readonly variables: readonly VariableSpec[]
  /** One logit for each image and class. */
  logits(pass: Pass, images_BHWC: Tensor4D): Tensor2D
}

/** @throws DownpourError CONFIG_INVALID */
export function classifier(backbone: Backbone, options: HeadOptions): Classifier {
  const head = slicedHead(options, backbone.features.at(-1)?.channels ?? 0)
  return {
    variables: [...backbone.variables, ...head.variables],
    logits: (pass, images_BHWC) => head.apply(averageFeatures(backbone, pass, images_BHWC), pass),
  }
}

/** The mean of the last feature over all positions of an image: F channels. */
export function averageFeatures(backbone: Backbone, pass: Pass, images_BHWC: Tensor4D): Tensor2D {
  const { x_BHWC } = backbone.apply(images_BHWC, pass).at(-1) as Feature
  return tf.mean(x_BHWC, [1, 2]) as Tensor2D
}
