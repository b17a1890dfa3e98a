import type { RuntimeConfig } from '../contract/runtime.ts'
import { CorruptionCount } from '../input/corruption-count.ts'
import { mustHave } from '../input/must-have.ts'
import { scoringInput } from './evaluate.ts'
import { type EvaluationSet, FIELDS, naming } from './evaluation-set.ts'
import { sampled } from './selection.ts'

/**
 * Checks at the start what would fail the first score: the files that spec.input names, and that a picture of the set has
 * something to score, also without the excluded ones.
 * @throws DownpourError CONFIG_INVALID, DATA_…; AbortError
 */
export async function checkScoring(
  config: Pick<RuntimeConfig, 'evaluation' | 'task'>,
  set: Pick<EvaluationSet, 'dataset' | 'where' | 'selection'>,
  { signal, name = FIELDS.data }: { signal: AbortSignal; name?: string },
): Promise<void> {
  const { needs } = await scoringInput(config, set)
  if (!needs) return
  const { where, selection } = set
  const corruption = new CorruptionCount(config.evaluation?.data.maxCorruptRecords ?? 0)
  const dataset = sampled(set.dataset, selection)
  const { excluded } = selection
  await naming(name, mustHave({ dataset, need: needs.scoring, where, corruption, excluded, signal }))
}
