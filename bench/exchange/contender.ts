/** What takes turns in the benchmark. */

/** Milliseconds of each part by name, and of the CPU that both ends together used for an exchange. */
export type Times = Readonly<Record<string, number>>

export interface Contender {
  readonly name: string
  /** Takes `count` exchanges. @returns the median time of each part */
  run(count: number): Promise<Times>
  close(): Promise<void>
}
