/** An Alertmanager of Debian's package with the sample inhibition rules, which sends its notifications to this process. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { dump, load } from 'js-yaml'
import { ensureCommand } from '../../tools/cluster/prerequisites.ts'
import { eventually } from '../support/eventually.ts'
import { answered, freePort, READY_WITHIN_MS, stop } from './processes.ts'

await ensureCommand('prometheus-alertmanager')

const SAMPLE = new URL('../../deploy/monitoring/alertmanager.yaml', import.meta.url)

export interface Notification {
  readonly status: 'firing' | 'resolved'
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
}

export interface Alertmanager {
  /** host:port, for the configuration of Prometheus. */
  readonly address: string
  /** All notifications so far, the oldest first. */
  notifications(): readonly Notification[]
  stop(): Promise<void>
}

/** @param folder for its data */
export async function startAlertmanager(folder: string): Promise<Alertmanager> {
  const root = await mkdtemp(join(folder, 'alertmanager-'))
  const received: Notification[] = []
  const receiver = createServer(async (request, response) => {
    const { alerts } = JSON.parse(await text(request)) as { alerts: Notification[] }
    received.push(...alerts)
    response.end()
  }).listen(0, '127.0.0.1')
  await once(receiver, 'listening')
  const { port: hook } = receiver.address() as AddressInfo
  await writeFile(join(root, 'alertmanager.yml'), dump(await configuration(`http://127.0.0.1:${hook}`)))
  const address = `127.0.0.1:${await freePort()}`
  const flags = [`--config.file=${root}/alertmanager.yml`, `--storage.path=${root}/data`, '--cluster.listen-address=']
  const child = spawn('prometheus-alertmanager', [...flags, `--web.listen-address=${address}`], { stdio: 'ignore' })
  await eventually(() => answered(`http://${address}/-/ready`), { timeoutMs: READY_WITHIN_MS })
  return {
    address,
    notifications: () => received,
    async stop() {
      await stop(child)
      receiver.closeAllConnections()
      receiver.close()
    },
  }
}

/** One notification for each alert, at once. */
async function configuration(url: string) {
  const sample = load(await readFile(SAMPLE, 'utf8')) as object
  const route = { receiver: 'test', group_by: ['...'], group_wait: '0s', group_interval: '1s', repeat_interval: '1h' }
  return { ...sample, route, receivers: [{ name: 'test', webhook_configs: [{ url, send_resolved: true }] }] }
}
