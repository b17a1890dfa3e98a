/** The jobs that are compared for each task: they differ in the weights that they begin with, and in what trains. */

export const PRETRAINING = 'jft-mini'
/** Each picture has the labels of another one, so nothing about pictures can be learnt. */
export const CONTROL = 'jft-mini-permuted'
/** How much longer the long random twin trains. */
export const LONGER = 4

export const VARIANTS = ['fine-tuned', 'frozen', 'random-trained', 'random-calibrated', 'control'] as const
export type Variant = (typeof VARIANTS)[number]
export type RandomTwin = Extract<Variant, `random-${string}`>
export const RANDOM_TWINS: readonly RandomTwin[] = ['random-trained', 'random-calibrated']
/** The better random twin, trained LONGER times the steps. It runs when the others have scores. */
export const LONG_TWIN = 'random-longer'

type Fields = Readonly<Record<string, unknown>>

/**
 * Statistics of batch norm that are 0 and 1 would cripple a random twin, so it has those of each batch or those measured on
 * training images.
 */
const OVERRIDES: Readonly<Record<Variant, Fields>> = {
  'fine-tuned': { from: { pretrainJob: PRETRAINING } },
  frozen: { from: { pretrainJob: PRETRAINING }, protocol: 'frozen' },
  'random-trained': { init: 'random', batchNorm: { mode: 'trained' } },
  'random-calibrated': { init: 'random', batchNorm: { mode: 'calibrated' } },
  control: { from: { pretrainJob: CONTROL } },
}

/** The fields of the job's spec in which it differs from the others of its task. */
export function overridesOf(variant: Variant): Fields {
  return OVERRIDES[variant]
}
