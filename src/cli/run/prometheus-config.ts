/** Writes `prometheus.yml` of a local run, so that a Prometheus on this machine finds every process of it. */
import { rename, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { dump } from 'js-yaml'
import { DISCOVERY_PATH } from '../../contract/discovery.ts'
import { ENV } from '../../contract/runtime.ts'
import type { LocalCluster } from '../../local/cluster.ts'
import { shellWord } from '../shell-word.ts'

const FILE = 'prometheus.yml'
/** Not Prometheus' own port 9090: pods listen on it, each at its own loopback address. */
export const PROMETHEUS_ADDRESS = '127.0.0.1:9091'
const SCRAPE = '5s'
/** Named, because Prometheus 2.42 sends credentials of a discovery without any scheme otherwise. */
const BEARER = 'Bearer'

/** @returns the flags of a Prometheus that reads it */
export async function writePrometheusConfig(
  stateDir: string,
  { url, token, environment }: Pick<LocalCluster, 'url' | 'token' | 'environment'>,
): Promise<string> {
  const file = resolve(stateDir, FILE)
  const config = {
    global: { scrape_interval: SCRAPE, evaluation_interval: SCRAPE },
    scrape_configs: [
      {
        job_name: 'downpour',
        // Otherwise Prometheus renames the namespace of each job in the operator's series to exported_namespace.
        honor_labels: true,
        authorization: { type: BEARER, credentials_file: environment[ENV.keyFile] },
        http_sd_configs: [
          {
            url: `${url}${DISCOVERY_PATH}`,
            refresh_interval: SCRAPE,
            authorization: { type: BEARER, credentials: token },
          },
        ],
      },
    ],
  }
  // Removed first, because writing to an existing file keeps its mode, and the token is in it.
  await rm(`${file}.tmp`, { force: true })
  await writeFile(`${file}.tmp`, dump(config), { mode: 0o600 })
  await rename(`${file}.tmp`, file)
  const data = join(stateDir, 'prometheus')
  const [fileWord, dataWord] = [join(stateDir, FILE), data].map(shellWord)
  return `--config.file=${fileWord} --storage.tsdb.path=${dataWord} --web.listen-address=${PROMETHEUS_ADDRESS}`
}
