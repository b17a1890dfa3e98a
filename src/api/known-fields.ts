/** Suggests a known field for an unknown one, by common mistakes and by spelling. */
import { z } from 'zod'
import { ownValue } from '../support/own.ts'
import { FinetuneJobInput } from './finetune-job.ts'
import { PretrainJobInput } from './pretrain-job.ts'

/** Fields that authors often misname or misplace, with the right name, or the path below spec. */
const COMMON_MISTAKES: Readonly<Record<string, string>> = {
  batch_size: 'batchSize',
  learning_rate: 'learningRate',
  lr: 'learningRate',
  steps: 'maxSteps',
  classes: 'task.classes',
  headSlices: 'task.headSlices',
  worker: 'workers',
  ps: 'parameterServer',
  image: 'runtime.image',
}
const MAX_DISTANCE = 2

/** @returns `; did you mean NAME?`, or '' if no field is similar, or if `path` already ends with the similar field */
export function didYouMean(key: string, path: string, among: readonly string[] = fieldNames()): string {
  const near = ownValue(COMMON_MISTAKES, key) ?? nearest(key, among)
  return near && !`.${path}`.endsWith(`.${near}`) ? `; did you mean ${near}?` : ''
}

function nearest(key: string, among: readonly string[]): string | undefined {
  const byDistance = among
    // A name of a very different length cannot match; skipping it keeps a long key fast.
    .filter((name) => name !== key && Math.abs(name.length - key.length) <= MAX_DISTANCE)
    .map((name) => ({ name, distance: editDistance(name.toLowerCase(), key.toLowerCase()) }))
  return byDistance.filter(({ distance }) => distance <= MAX_DISTANCE).sort((a, b) => a.distance - b.distance)[0]?.name
}

let names: string[] | undefined

/** Names of all fields of both kinds, computed on first use. */
function fieldNames(): string[] {
  names ??= [
    ...new Set([PretrainJobInput, FinetuneJobInput].flatMap((kind) => namesIn(z.toJSONSchema(kind, { io: 'input' })))),
  ]
  return names
}

function namesIn(schema: unknown): string[] {
  if (typeof schema !== 'object' || schema === null) return []
  const properties = (schema as { properties?: object }).properties ?? {}
  return [...Object.keys(properties), ...Object.values(schema).flatMap(namesIn)]
}

/** Levenshtein distance. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
