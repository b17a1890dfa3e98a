/** Compares two conditions of a running system in alternating windows, so that a change of the machine affects both. */
import { setTimeout as sleep } from 'node:timers/promises'

/** Two-sided 95% quantile of Student's t for 9 to 30 degrees of freedom, by a fit that is within 0.5% there. */
const t95 = (freedom: number) => 1.96 + 2.37 / freedom + 2.8 / freedom ** 2

export interface Windows {
  readonly pairs: number
  readonly seconds: number
  /** Not measured, after each change. */
  readonly settleSeconds: number
}

export interface Comparison {
  readonly without: number
  readonly with: number
  /** Relative change of the mean, with its 95% interval, over pairs. */
  readonly changePercent: number
  readonly intervalPercent: number
}

/** @param set begins a condition; @param count a number that rises, such as pushes */
export async function compareRates(
  { pairs, seconds, settleSeconds }: Windows,
  set: (isOn: boolean) => Promise<void>,
  count: () => Promise<number>,
): Promise<Comparison> {
  const rates: { off: number; on: number }[] = []
  const rateOf = async (isOn: boolean) => {
    await set(isOn)
    await sleep(settleSeconds * 1000)
    const [from, startedMs] = [await count(), performance.now()]
    await sleep(seconds * 1000)
    return ((await count()) - from) / ((performance.now() - startedMs) / 1000)
  }
  for (let pair = 0; pair < pairs; pair++) {
    // Which comes first alternates, because the system may become slower or faster all the time.
    const first = await rateOf(pair % 2 === 1)
    const second = await rateOf(pair % 2 === 0)
    rates.push(pair % 2 === 1 ? { on: first, off: second } : { off: first, on: second })
    process.stderr.write(
      `pair ${pair + 1}/${pairs}: ${rates.at(-1)?.off.toFixed(1)} without, ${rates.at(-1)?.on.toFixed(1)} with\n`,
    )
  }
  await set(false)
  return summary(rates)
}

function summary(rates: readonly { off: number; on: number }[]): Comparison {
  const mean = (values: readonly number[]) => values.reduce((sum, one) => sum + one, 0) / values.length
  const changes = rates.map(({ off, on }) => 100 * (on / off - 1))
  const change = mean(changes)
  const variance = changes.reduce((sum, one) => sum + (one - change) ** 2, 0) / (changes.length - 1)
  const rounded = (value: number) => Number(value.toFixed(2))
  return {
    without: rounded(mean(rates.map(({ off }) => off))),
    with: rounded(mean(rates.map(({ on }) => on))),
    changePercent: rounded(change),
    intervalPercent: rounded(t95(rates.length - 1) * Math.sqrt(variance / changes.length)),
  }
}
