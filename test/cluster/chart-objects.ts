/** Renders the chart for the real API server, whose version Helm then assumes. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { exec } from '../../tools/cluster/exec.ts'
import type { Cluster } from '../../tools/cluster/up.ts'
import { CHART } from '../../tools/helm.ts'
import { parseManifests, type Rendered, type Values } from '../chart/chart.ts'

/** @param folder for a file with the values. @throws DownpourError COMMAND_FAILED with Helm's message */
export async function chartObjects(
  { helm }: Cluster,
  namespace: string,
  values: Values,
  folder: string,
): Promise<Rendered[]> {
  const file = join(folder, 'values.json')
  writeFileSync(file, JSON.stringify(values))
  const args = ['template', 'downpour', CHART, '--namespace', namespace, '--kube-version', '1.34.0', '--values', file]
  return parseManifests(await exec(helm, args))
}

export const listOf = (items: readonly object[]) => JSON.stringify({ apiVersion: 'v1', kind: 'List', items })
