/** Progress on stderr, one line a step; stdout is for what other programs read. */

export function say(text: string): void {
  process.stderr.write(`cluster: ${text}\n`)
}

/** Runs `work` as a step: its name at once, because a build takes minutes; its seconds when it is done. */
export async function step<T>(name: string, work: () => Promise<T>): Promise<T> {
  const started = performance.now()
  process.stderr.write(`cluster: ${name} ... `)
  try {
    const result = await work()
    process.stderr.write(`${seconds(started)} s\n`)
    return result
  } catch (error) {
    process.stderr.write(`failed after ${seconds(started)} s\n`)
    throw error
  }
}

export function seconds(started: number): string {
  return ((performance.now() - started) / 1000).toFixed(1)
}
