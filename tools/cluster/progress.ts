/** Prints progress to stderr, one line for each step; stdout is for output that other programs read. */

export interface Progress {
  say(text: string): void
  /** Prints the step's name at once, because a step may take minutes, and its duration when it ends. */
  step<T>(name: string, work: () => Promise<T>): Promise<T>
}

/** @param program the first word of each line */
export function progressOf(program: string): Progress {
  return {
    say: (text) => void process.stderr.write(`${program}: ${text}\n`),
    async step(name, work) {
      const started = performance.now()
      process.stderr.write(`${program}: ${name} ... `)
      try {
        const result = await work()
        process.stderr.write(`${seconds(started)} s\n`)
        return result
      } catch (error) {
        process.stderr.write(`failed after ${seconds(started)} s\n`)
        throw error
      }
    },
  }
}

export function seconds(started: number): string {
  return ((performance.now() - started) / 1000).toFixed(1)
}
