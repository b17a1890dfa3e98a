import type { RuntimeConfig } from '../contract/runtime.ts'
import { completeModel } from '../contract/training.ts'
import { type BackboneOptions, buildBackbone } from '../models/backbone.ts'
import { VARIANTS } from '../models/variants.ts'
import type { BuildBackbone } from './task.ts'

type Settings = Pick<RuntimeConfig, 'model' | 'protocol' | 'freeze' | 'batchNorm'>

/** The job decides all but the output stride. Its protocol `frozen` freezes the whole backbone. */
export function jobBackbone({
  model,
  protocol,
  freeze,
  batchNorm: { epsilon, mode = 'trained' },
}: Settings): BuildBackbone {
  const { backbone: name, variant } = completeModel(model)
  return (settings) =>
    buildBackbone({
      ...settings,
      ...VARIANTS[variant],
      name,
      freeze: protocol === 'frozen' ? 'all' : freezeOf(freeze),
      batchNorm: { mode, epsilon },
    })
}

function freezeOf(freeze: RuntimeConfig['freeze']): BackboneOptions['freeze'] {
  if (!freeze) return 'none'
  return freeze.type === 'stages' ? { stages: freeze.stages } : freeze.type
}
