/** README.md and docs/monitoring.md show the command that a run prints, and queries that find something. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { suite, test } from 'node:test'
import { writePrometheusConfig } from '../../src/cli/run/prometheus-config.ts'
import { ENV } from '../../src/contract/runtime.ts'
import { createWorkerMetrics } from '../../src/metrics/worker.ts'
import { codeBlocks, section } from '../support/markdown.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { parsePromql } from './tools/promql.ts'

const folder = temporaryFolder()
const DEFAULT_STATE = '.downpour'
const PLACES = { 'README.md': 'Watch it', 'docs/monitoring.md': 'On a laptop' }
const readme = section(readFileSync('README.md', 'utf8'), PLACES['README.md'])

async function commandOfRun(): Promise<string> {
  const cluster = { url: 'http://127.0.0.1:1', token: 'x', environment: { [ENV.keyFile]: '/key' } }
  return `prometheus ${(await writePrometheusConfig(folder, cluster)).replaceAll(folder, DEFAULT_STATE)}`
}

suite('the command for Prometheus is the one that `npm start` prints', () => {
  for (const [document, heading] of Object.entries(PLACES))
    test(document, async () => {
      const lines = codeBlocks(section(readFileSync(document, 'utf8'), heading), '').flatMap((text) => text.split('\n'))
      const [command] = lines.filter((line) => line.startsWith('prometheus ')).map((line) => line.split(/\s+#/)[0])
      assert.equal(command, await commandOfRun())
    })
})

test('the query of the README is PromQL, over a metric that workers export', async () => {
  const [, query = ''] = /^`(sum .+?)`/m.exec(readme) ?? []
  const { errors, selectors } = parsePromql(query)
  assert.deepEqual(errors, [])
  const exported = createWorkerMetrics({ tensors: () => 0 }).registry.getMetricsAsArray()
  const names = new Set(exported.map(({ name }) => name))
  assert.deepEqual(
    selectors.map(({ metric }) => names.has(metric)),
    [true],
  )
})
