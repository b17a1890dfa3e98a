/** A Prometheus that scrapes by annotation, as deploy/monitoring/scrape-by-annotation.yaml has it, keeps the namespace of jobs. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { load } from 'js-yaml'
import { eventually } from '../support/eventually.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { launchPrometheus, type Prometheus, SCRAPE_SECONDS } from './prometheus.ts'
import { PROMTOOLS } from './promtools.ts'

const FILE = new URL('../../deploy/monitoring/scrape-by-annotation.yaml', import.meta.url)
const METRICS = `
downpour_job_step{namespace="team", kind="PretrainJob", job_name="a"} 7
other_total{namespace="theirs"} 1
`
const PATIENT = { timeoutMs: 30_000, intervalMs: 200 }
const folder = temporaryFolder()
let server: Server
let prometheus: Prometheus

before(async () => {
  server = createServer((_request, response) => response.end(METRICS)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const {
    scrape_configs: [job],
  } = load(await readFile(FILE, 'utf8')) as { scrape_configs: [object] }
  // The labels that the discovery of Kubernetes would lead to; Debian's Prometheus is built without it.
  const { kubernetes_sd_configs: _of, relabel_configs: _replaced, ...rest } = job as Record<string, unknown>
  const targets = [`127.0.0.1:${port}`]
  const labels = { namespace: 'downpour', pod: 'downpour-1' }
  const scrape = { ...rest, static_configs: [{ targets, labels }] }
  const global = { scrape_interval: `${SCRAPE_SECONDS}s` }
  prometheus = await launchPrometheus({ global, scrape_configs: [scrape] }, folder)
})
after(async () => {
  await prometheus?.stop()
  server.close()
})

async function namespacesOf(metric: string): Promise<(string | undefined)[]> {
  return await eventually(async () => {
    const [series] = await prometheus.query(metric)
    assert.ok(series, `no ${metric} yet`)
    return [series.metric.namespace, series.metric.exported_namespace]
  }, PATIENT)
}

// Debian's promtool does not know the discovery of Kubernetes.
const newer = PROMTOOLS.at(-1)
test('promtool 3 accepts the whole file', { skip: newer?.skip ?? false }, async () => {
  await promisify(execFile)(newer?.file ?? '', ['check', 'config', fileURLToPath(FILE)])
})

test("the operator's series have the namespace of the job, and those of others stay as they are", async () => {
  assert.deepEqual(await namespacesOf('downpour_job_step'), ['team', undefined])
  assert.deepEqual(await namespacesOf('other_total'), ['downpour', 'theirs'])
})
