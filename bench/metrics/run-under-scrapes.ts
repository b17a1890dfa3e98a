/** A local run of one parameter server and eight workers: its pushes with and without scrapes, and with a thousand clients. */
import { fork } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { load } from 'js-yaml'
import type { TargetGroup } from '../../src/contract/discovery.ts'
import { prepareSmallJobs } from '../../test/faults/small-job.ts'
import { eventually } from '../../test/support/eventually.ts'
import { startLocalRun } from '../../test/support/local-run.ts'
import type { Address } from './clients.ts'
import { compareRates, type Windows } from './pairs.ts'
import { type Probes, watchProbes } from './probes.ts'

const WORKERS = 8
const CLIENTS = 1000
const SCRAPE_MS = 1000
const STARTS_WITHIN_MS = 120_000
const CLIENT_PROGRAM = fileURLToPath(new URL('clients.ts', import.meta.url))

interface Configuration {
  scrape_configs: [
    {
      authorization: { credentials_file: string }
      http_sd_configs: [{ url: string; authorization: { credentials: string } }]
    },
  ]
}

export interface Target extends Address {
  readonly name: string
}

/** @param windows of the comparison with scrapes; @param crowded of that with clients, whose requests are 15 s apart */
export async function measureRun(windows: Windows, crowded: Windows) {
  const jobs = await prepareSmallJobs()
  const { file, stateDir } = await jobs.next({
    ...{ maxSteps: 10_000_000, workers: { replicas: WORKERS }, checkpoint: { everySteps: 100_000 } },
  })
  const run = startLocalRun([file], stateDir)
  try {
    const found = await eventually(() => targetsOf(stateDir), { timeoutMs: STARTS_WITHIN_MS, intervalMs: 500 })
    const server = found.find(({ name }) => name === 'ps 0') as Target
    const pushes = async () => Number(/^downpour_ps_version (\d+)/m.exec(await scrape(server))?.[1])
    await eventually(
      async () => {
        if (!((await pushes()) > 100)) throw new Error(`no pushes; ${run.output()}`)
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

/** All processes of the run, once each of them is found. */
async function targetsOf(stateDir: string): Promise<Target[]> {
  const file = join(stateDir, 'prometheus.yml')
  if (!existsSync(file)) throw new Error('no configuration of Prometheus yet')
  const [{ authorization, http_sd_configs }] = (load(readFileSync(file, 'utf8')) as Configuration).scrape_configs
  const [{ url, authorization: discovery }] = http_sd_configs
  const answer = await fetch(url, { headers: { authorization: `Bearer ${discovery.credentials}` } })
  const groups = (await answer.json()) as TargetGroup[]
  if (groups.length < WORKERS + 3) throw new Error(`only ${groups.length} processes`)
  const key = readFileSync(authorization.credentials_file, 'utf8').trim()
  return groups.map(({ targets: [address = ''], labels: { role, index } }) => {
    const { hostname, port } = new URL(`http://${address}`)
    return { name: role === undefined ? 'operator' : `${role} ${index}`, host: hostname, port: Number(port), key }
  })
}

export async function scrape({ host, port, key }: Address): Promise<string> {
  const answer = await fetch(`http://${host}:${port}/metrics`, { headers: { authorization: `Bearer ${key}` } })
  return answer.text()
}
