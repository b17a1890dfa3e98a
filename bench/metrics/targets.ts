/** The processes of a run, by the discovery that `downpour run` writes down for Prometheus. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { load } from 'js-yaml'
import type { TargetGroup } from '../../src/contract/discovery.ts'
import type { Address } from './clients.ts'

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

/** @throws Error until there are so many processes */
export async function targetsOf(stateDir: string, processes: number): Promise<Target[]> {
  const file = join(stateDir, 'prometheus.yml')
  if (!existsSync(file)) throw new Error('no configuration of Prometheus yet')
  const [{ authorization, http_sd_configs }] = (load(readFileSync(file, 'utf8')) as Configuration).scrape_configs
  const [{ url, authorization: discovery }] = http_sd_configs
  const answer = await fetch(url, { headers: { authorization: `Bearer ${discovery.credentials}` } })
  const groups = (await answer.json()) as TargetGroup[]
  if (groups.length < processes) throw new Error(`only ${groups.length} processes`)
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
