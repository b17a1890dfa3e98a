/** CPU time and memory of a parameter server over many exchanges with a client in another process. */

import { startDownpour } from '../exchange/downpour.ts'
import { median } from '../figures.ts'

const WARM_UP = 20
/** So many samples of the memory at the beginning and at the end are compared. */
const SAMPLES = 50
const MIB = 2 ** 20

export interface Exchanges {
  readonly cpuMs: number
  readonly rssBeginMib: number
  readonly rssEndMib: number
  readonly largestRssMib: number
}

export async function measureExchanges(count: number): Promise<Exchanges> {
  const { client, exchange, serverUse, close } = await startDownpour()
  for (let i = 0; i < WARM_UP; i++) await exchange()
  const begin = await serverUse()
  const rssMib: number[] = []
  for (let i = 0; i < count; i++) {
    await exchange()
    rssMib.push((await serverUse()).rssBytes / MIB)
  }
  const end = await serverUse()
  if (client.done) throw new Error('the job ended')
  await close()
  return {
    cpuMs: (end.cpuMs - begin.cpuMs) / count,
    rssBeginMib: median(rssMib.slice(0, SAMPLES)),
    rssEndMib: median(rssMib.slice(-SAMPLES)),
    largestRssMib: Math.max(...rssMib),
  }
}
