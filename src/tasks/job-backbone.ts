import type { RuntimeConfig } from '../contract/runtime.ts'
import { completeModel } from '../contract/training.ts'
import { buildBackbone } from '../models/backbone.ts'
import { VARIANTS } from '../models/variants.ts'
import type { BuildBackbone } from './task.ts'

/**
 * The job decides name, variant and epsilon. Its protocol `frozen` freezes the whole backbone, whatever the task asks for.
 */
export function jobBackbone({
  model,
  protocol,
  batchNorm: { epsilon },
}: Pick<RuntimeConfig, 'model' | 'protocol' | 'batchNorm'>): BuildBackbone {
  const { backbone: name, variant } = completeModel(model)
  return ({ freeze = 'none', batchNorm: mode = 'trained', ...settings } = {}) =>
    buildBackbone({
      ...settings,
      ...VARIANTS[variant],
      name,
      freeze: protocol === 'frozen' ? 'all' : freeze,
      batchNorm: { mode, epsilon },
    })
}
