/** The helm that `npm run cluster` builds, or the one on the PATH; undefined: there is none. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { helm } from './cluster/binaries.ts'

/** What is rendered without a cluster is meant for the oldest that the chart takes. */
export const KUBE_VERSION = ['--kube-version', '1.29.0'] as const
export const CHART = fileURLToPath(new URL('../charts/downpour', import.meta.url))

export function findHelm(): string | undefined {
  const built = helm().file
  if (existsSync(built)) return built
  return spawnSync('helm', ['version', '--short']).status === 0 ? 'helm' : undefined
}
