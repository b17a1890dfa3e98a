/** CEL expressions for fields of a spec with presets and defaults, which fill a job only after the API server has accepted it. */
import type { JobKind } from '../contract/names.ts'
import { valueAt } from '../support/fields.ts'
import { BASE_DEFAULTS, FINETUNE_RECIPES, PRETRAIN_RECIPES } from './presets.ts'
import { merge } from './resolve.ts'

/** @example hasPath('task.type') === '(has(self.task) && has(self.task.type))' */
export function hasPath(path: string, root = 'self'): string {
  const steps = path.split('.')
  const checks = steps.map((_, i) => `has(${root}.${steps.slice(0, i + 1).join('.')})`)
  return checks.length > 1 ? `(${checks.join(' && ')})` : (checks[0] as string)
}

/**
 * The number or text that a job will have.
 * @param otherwise for a job where neither author nor preset sets it, which another rule refuses
 * @example filled('PretrainJob', 'workers.replicas', 1) === "(has(…) ? self.workers.replicas : has(self.preset) && self.preset in ['jft-resnet101'] ? 50 : 1)"
 */
export function filled(kind: JobKind, path: string, otherwise: number | string, root = 'self'): string {
  const byDefault = valueAt(BASE_DEFAULTS, path.split('.')) ?? otherwise
  const byPreset = [...presetsByValue(kind, path)]
    .filter(([value]) => value !== byDefault)
    .map(
      ([value, presets]) => `has(${root}.preset) && ${root}.preset in [${presets.join(', ')}] ? ${literal(value)} : `,
    )
  return `(${hasPath(path, root)} ? ${root}.${path} : ${byPreset.join('')}${literal(byDefault)})`
}

/** A value as a CEL literal. */
export function literal(value: unknown): string {
  return typeof value === 'string' ? `'${value}'` : String(value)
}

/** Quoted names of the presets that set a field. */
export function presetsThatSet(kind: JobKind, path: string): string[] {
  return [...presetsByValue(kind, path).values()].flat()
}

function presetsByValue(kind: JobKind, path: string): Map<unknown, string[]> {
  const byValue = new Map<unknown, string[]>()
  for (const [name, recipe] of Object.entries(kind === 'PretrainJob' ? PRETRAIN_RECIPES : FINETUNE_RECIPES)) {
    const value = valueAt(merge(BASE_DEFAULTS, recipe), path.split('.'))
    if (value !== undefined) byValue.set(value, [...(byValue.get(value) ?? []), `'${name}'`])
  }
  return byValue
}
