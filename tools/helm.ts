/** Finds helm, and names the chart and the Kubernetes version that it is rendered for. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { helm } from './cluster/binaries.ts'

/** Renders without a cluster assume the oldest Kubernetes version that the chart supports. */
export const KUBE_VERSION = ['--kube-version', '1.29.0'] as const
export const CHART = fileURLToPath(new URL('../charts/downpour', import.meta.url))

/** @returns the helm that `npm run cluster` built, or the one on PATH; undefined if there is neither */
export function findHelm(): string | undefined {
  const built = helm().file
  if (existsSync(built)) return built
  return spawnSync('helm', ['version', '--short']).status === 0 ? 'helm' : undefined
}
