/** Rules about options of a task from which no network can be built. Without them, pods would fail with CONFIG_INVALID. */
import type { TaskDeclaration } from '../tasks/declaration.ts'
import { declarationOf, declarationsFor } from '../tasks/declarations.ts'
import { DetectionOptions } from '../tasks/detection/options.ts'
import { filled, literal } from './filled.ts'
import { FINETUNE_RECIPES, type Recipe } from './presets.ts'
import type { Rule } from './rule.ts'

const FINETUNE = ['FinetuneJob'] as const
/** The stride of its last feature. The other backbones reach 32, the largest that a task can ask for. */
const MINI_STRIDE = 4
const CROP = { size: defaultOf('cropSize'), pool: defaultOf('cropPool') }

function defaultOf(option: 'cropSize' | 'cropPool'): number {
  return DetectionOptions.shape[option].parse(undefined)
}

/** Tasks that predict something for each place of a picture. */
const STRIDED = declarationsFor('FinetuneJob').filter(isStrided)

function isStrided({ options }: TaskDeclaration): boolean {
  return 'outputStride' in options.shape
}

/** Presets whose task has a larger stride than resnet-mini. */
function stridedPresets(): string[] {
  const isLarge = ({ task }: Recipe) => {
    if (!task || !isStrided(declarationOf(task.type))) return false
    const { type, ...options } = task
    return Number(declarationOf(type).options.partial().parse(options).outputStride) > MINI_STRIDE
  }
  return Object.entries<Recipe>(FINETUNE_RECIPES).flatMap(([name, recipe]) => (isLarge(recipe) ? [literal(name)] : []))
}

export const NETWORK_RULES: readonly Rule[] = [
  {
    kinds: FINETUNE,
    path: 'spec.task.outputStride',
    message: `must be ${MINI_STRIDE} with resnet-mini, which has no larger stride`,
    holds: ({ task: { outputStride }, model }) =>
      model.backbone !== 'resnet-mini' || outputStride === undefined || Number(outputStride) <= MINI_STRIDE,
    cel: (kind) => {
      const types = STRIDED.map(({ type }) => literal(type)).join(', ')
      const ofTask = `!(self.task.type in [${types}]) || (has(self.task.outputStride) && self.task.outputStride == ${MINI_STRIDE}.0)`
      const ofPreset = `!has(self.preset) || !(self.preset in [${stridedPresets().join(', ')}])`
      return `${filled(kind, 'model.backbone', '')} != 'resnet-mini' || (has(self.task) ? (${ofTask}) : (${ofPreset}))`
    },
  },
  {
    kinds: FINETUNE,
    path: 'spec.task.cropPool',
    message: 'must not be larger than cropSize',
    holds: ({ task: { cropSize, cropPool } }) => cropPool === undefined || Number(cropPool) <= Number(cropSize),
    cel: `!has(self.task) || (has(self.task.cropPool) ? self.task.cropPool : ${CROP.pool}) <= (has(self.task.cropSize) ? self.task.cropSize : ${CROP.size})`,
  },
  {
    kinds: FINETUNE,
    path: 'spec.task.rates',
    message: 'must not repeat a rate: branches of the same rate would be the same',
    holds: ({ task: { rates } }) => !Array.isArray(rates) || new Set(rates).size === rates.length,
    cel: '!has(self.task) || !has(self.task.rates) || self.task.rates.all(a, self.task.rates.exists_one(b, b == a))',
  },
]
