import { z } from 'zod'

/** A metric of a task, and which of two values is the better one. */
export const MetricSpec = z.strictObject({ name: z.string(), better: z.enum(['higher', 'lower']) })
export type MetricSpec = Readonly<z.output<typeof MetricSpec>>

/** Compares values of the metric so that the best one is sorted first. */
export function bestFirst({ better }: MetricSpec): (a: number, b: number) => number {
  return better === 'higher' ? (a, b) => b - a : (a, b) => a - b
}
