/** A metric of a task, and which of two values of it is the better one. */
export interface MetricSpec {
  readonly name: string
  readonly better: 'higher' | 'lower'
}

/** For sorting values of the metric: the best one first. */
export function bestFirst({ better }: MetricSpec): (a: number, b: number) => number {
  return better === 'higher' ? (a, b) => b - a : (a, b) => a - b
}
