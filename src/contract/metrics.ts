import { z } from 'zod'

/** A metric of a task, and which of two values of it is the better one. */
export const MetricSpec = z.strictObject({ name: z.string(), better: z.enum(['higher', 'lower']) })
export type MetricSpec = Readonly<z.output<typeof MetricSpec>>

/** For sorting values of the metric: the best one first. */
export function bestFirst({ better }: MetricSpec): (a: number, b: number) => number {
  return better === 'higher' ? (a, b) => b - a : (a, b) => a - b
}
