/** A local run of one parameter server and eight workers: its pushes with and without scrapes, and with a thousand clients. */
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { prepareSmallJobs } from '../../test/faults/small-job.ts'
import { eventually } from '../../test/support/eventually.ts'
import { startLocalRun } from '../../test/support/local-run.ts'
import { compareRates, type Windows } from './pairs.ts'
import { type Probes, watchProbes } from './probes.ts'
import { scrape, type Target, targetsOf } from './targets.ts'

const WORKERS = 8
const CLIENTS = 1000
const SCRAPE_MS = 1000
const STARTS_WITHIN_MS = 120_000
/** The first steps are slower, until the code is compiled. */
const WARM_UP_PUSHES = 1500
const CLIENT_PROGRAM = fileURLToPath(new URL('clients.ts', import.meta.url))

/** @param windows of the comparison with scrapes; @param crowded of that with clients, whose requests are 15 s apart */
export async function measureRun(windows: Windows, crowded: Windows) {
  const jobs = await prepareSmallJobs()
  const { file, stateDir } = await jobs.next({
    ...{ maxSteps: 10_000_000, workers: { replicas: WORKERS }, checkpoint: { everySteps: 100_000 } },
  })
  const run = startLocalRun([file], stateDir)
  try {
    const found = await eventually(() => targetsOf(stateDir, WORKERS + 3), {
      timeoutMs: STARTS_WITHIN_MS,
      intervalMs: 500,
    })
    const server = found.find(({ name }) => name === 'ps 0') as Target
    const pushes = async () => Number(/^downpour_ps_version (\d+)/m.exec(await scrape(server))?.[1])
    await eventually(
      async () => {
        if (!((await pushes()) > WARM_UP_PUSHES)) throw new Error(`no pushes; ${run.output()}`)
      },
      { timeoutMs: STARTS_WITHIN_MS, intervalMs: 500 },
    )
    const scraped = await compareScraped(found, windows, pushes)
    const withClients = await compareCrowded(found, crowded, pushes)
    return { scraped, withClients }
  } finally {
    run.child.kill('SIGINT')
    await run.ended(STARTS_WITHIN_MS)
    await jobs.remove()
  }
}

async function compareScraped(targets: readonly Target[], windows: Windows, pushes: () => Promise<number>) {
  let timer: NodeJS.Timeout | undefined
  const set = async (isOn: boolean) => {
    clearInterval(timer)
    if (isOn) timer = setInterval(() => void Promise.all(targets.map(scrape)), SCRAPE_MS)
  }
  return compareRates(windows, set, pushes)
}

async function compareCrowded(targets: readonly Target[], windows: Windows, pushes: () => Promise<number>) {
  const crowd = fork(CLIENT_PROGRAM, [String(CLIENTS)])
  const attacked = targets.filter(({ name }) => name === 'ps 0' || name === 'operator')
  const probes: Probes = watchProbes(attacked)
  const set = async (isOn: boolean) => {
    crowd.send(isOn ? attacked : [])
    probes.note(isOn)
  }
  const comparison = await compareRates(windows, set, pushes)
  crowd.disconnect()
  return { ...comparison, ...(await probes.end()) }
}
