/** The field that was meant when one is unknown: by common slips, then by spelling. */
import { z } from 'zod'
import { ownValue } from '../support/own.ts'
import { FinetuneJobInput } from './finetune-job.ts'
import { PretrainJobInput } from './pretrain-job.ts'

/** Names that people type for ours. */
const NEAR: Readonly<Record<string, string>> = {
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

/** @returns `; did you mean NAME?`, or nothing when no field is near, or the name is right in another place */
export function didYouMean(key: string, path: string, among: readonly string[] = fieldNames()): string {
  const near = ownValue(NEAR, key) ?? nearest(key, among)
  return near && !path.endsWith(near) ? `; did you mean ${near}?` : ''
}

function nearest(key: string, among: readonly string[]): string | undefined {
  const byDistance = among
    // A long name is near to none, and to find that out would take long.
    .filter((name) => name !== key && Math.abs(name.length - key.length) <= MAX_DISTANCE)
    .map((name) => ({ name, distance: editDistance(name.toLowerCase(), key.toLowerCase()) }))
  return byDistance.filter(({ distance }) => distance <= MAX_DISTANCE).sort((a, b) => a.distance - b.distance)[0]?.name
}

let names: string[] | undefined

/** Of both kinds at every depth; made once, and only for who has mistyped one. */
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
