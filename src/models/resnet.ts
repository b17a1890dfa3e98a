/** A backbone with the classification head. */
import { type Tensor2D, tf } from '../tensor/tf.ts'
import { buildBackbone, type Feature } from './backbone.ts'
import { applyHead, headVariables } from './head.ts'
import { createPass } from './layer.ts'
import type { Model } from './model.ts'

export { BACKBONES } from './architectures.ts'

export interface ResNetConfig {
  backbone: string
  classes: number
  headSlices: number
  /** frozen: only the head trains, batch norm uses its moving statistics. */
  protocol: 'finetune' | 'frozen'
  loss: 'logistic' | 'softmax'
  batchNorm: { epsilon: number }
}

/** Declares the variables and allocates nothing. @throws DownpourError CONFIG_INVALID */
export function buildModel(config: ResNetConfig): Model {
  const freeze = config.protocol === 'frozen' ? 'all' : 'none'
  const { epsilon } = config.batchNorm
  const backbone = buildBackbone({ name: config.backbone, freeze, batchNorm: { epsilon } })
  const channels = backbone.features.at(-1)?.channels ?? 0
  const model: Model = {
    variables: [...backbone.variables, ...headVariables(config, channels)],
    logits(images_BHWC, pass) {
      const { x_BHWC } = backbone.apply(images_BHWC, pass).at(-1) as Feature
      return applyHead(pass, tf.mean(x_BHWC, [1, 2]) as Tensor2D, config.headSlices)
    },
    forward(weights, images_BHWC, mode) {
      const pass = createPass(weights, mode)
      return { logits_BC: model.logits(images_BHWC, pass), statistics: pass.statistics }
    },
  }
  return model
}
