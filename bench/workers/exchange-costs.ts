/** CPU time of an exchange at parameter servers without a limit, when the code is compiled. */
import { sum } from '../figures.ts'
import { Fleet } from './fleet.ts'

export interface ExchangeCosts {
  /** Of one parameter server that has the whole model, for a pull and a push. */
  readonly serverSeconds: number
  /** Of a parameter server, for a pull or a push besides its bytes. */
  readonly requestSeconds: number
  /** Of the worker, for a pull and a push. */
  readonly workerSeconds: number
  /** Memory of a parameter server without a model. */
  readonly emptyBytes: number
}

const EXCHANGES = 150
const SEVERAL = 4
const REQUESTS_OF_A_SERVER = 2

/** The same bytes from several servers cost what one server takes, and the requests to the others. */
export async function measureExchange(): Promise<ExchangeCosts> {
  const one = await measureWith(1)
  const several = await measureWith(SEVERAL)
  const requests = REQUESTS_OF_A_SERVER * (SEVERAL - 1)
  return { ...one, requestSeconds: Math.max(0, several.serverSeconds - one.serverSeconds) / requests }
}

function measureWith(servers: number) {
  return Fleet.with(servers, async (fleet) => {
    const cpuSeconds = async () => sum((await fleet.usages()).map((usage) => usage.cpuSeconds))
    const emptyBytes = Math.max(...(await fleet.usages()).map(({ residentBytes }) => residentBytes))
    await fleet.connect(1)
    await fleet.ask({ type: 'exchange', times: EXCHANGES })
    await fleet.reports()
    const before = await cpuSeconds()
    await fleet.ask({ type: 'exchange', times: EXCHANGES })
    const serverSeconds = ((await cpuSeconds()) - before) / EXCHANGES
    const reports = await fleet.reports()
    const workerSeconds = sum(reports.map((report) => report.cpuSeconds)) / EXCHANGES
    return { serverSeconds, workerSeconds, emptyBytes }
  })
}
