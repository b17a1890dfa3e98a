import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { load } from 'js-yaml'
import { writePrometheusConfig } from '../../../../src/cli/run/prometheus-config.ts'
import { ENV } from '../../../../src/contract/runtime.ts'
import { temporaryFolder } from '../../../support/temporary-folder.ts'

const folder = temporaryFolder()

test('the configuration finds the processes of a run by its discovery, and only its owner can read it', async () => {
  const environment = { [ENV.keyFile]: '/state/runtime-key' }
  const flags = await writePrometheusConfig(folder, { url: 'http://127.0.0.1:4711', token: 'secret', environment })
  const file = join(folder, 'prometheus.yml')
  assert.equal(
    flags,
    `--config.file=${file} --storage.tsdb.path=${join(folder, 'prometheus')} --web.listen-address=127.0.0.1:9091`,
  )
  assert.equal((await stat(file)).mode & 0o777, 0o600)
  const { scrape_configs } = load(await readFile(file, 'utf8')) as { scrape_configs: Record<string, unknown>[] }
  assert.deepEqual(scrape_configs, [
    {
      job_name: 'downpour',
      honor_labels: true,
      authorization: { type: 'Bearer', credentials_file: '/state/runtime-key' },
      http_sd_configs: [
        {
          url: 'http://127.0.0.1:4711/discovery',
          refresh_interval: '5s',
          authorization: { type: 'Bearer', credentials: 'secret' },
        },
      ],
    },
  ])
})

test('the command of a run in a folder with spaces can be pasted into a shell', async () => {
  const spaced = join(folder, "it's mine")
  await mkdir(spaced)
  const environment = { [ENV.keyFile]: '/state/runtime-key' }
  const flags = await writePrometheusConfig(spaced, { url: 'http://127.0.0.1:1', token: 't', environment })
  const words = execFileSync('sh', ['-c', `printf '%s\\n' ${flags}`], { encoding: 'utf8' })
    .trim()
    .split('\n')
  assert.deepEqual(words.slice(0, 2), [
    `--config.file=${join(spaced, 'prometheus.yml')}`,
    `--storage.tsdb.path=${join(spaced, 'prometheus')}`,
  ])
})
