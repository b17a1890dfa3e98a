import type { RuntimeConfig } from '../contract/runtime.ts'
import { buildBackbone } from '../models/backbone.ts'
import type { BuildBackbone } from './task.ts'

/** The job decides name and epsilon. Its protocol `frozen` freezes the whole backbone, whatever the task asks for. */
export function jobBackbone({
  model,
  protocol,
  batchNorm: { epsilon },
}: Pick<RuntimeConfig, 'model' | 'protocol' | 'batchNorm'>): BuildBackbone {
  return ({ freeze = 'none', batchNorm: mode = 'trained', ...settings } = {}) =>
    buildBackbone({
      ...settings,
      name: model.backbone,
      freeze: protocol === 'frozen' ? 'all' : freeze,
      batchNorm: { mode, epsilon },
    })
}
