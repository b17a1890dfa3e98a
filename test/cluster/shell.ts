/** Runs what a document tells its reader to type, with the tools and the administrator's rights of the test cluster. */
import { dirname } from 'node:path'
import { exec } from '../../tools/cluster/exec.ts'
import type { Cluster } from '../../tools/cluster/up.ts'

/** @returns what is printed. @throws DownpourError COMMAND_FAILED with the end of the output, if any command fails */
export function runShell(cluster: Cluster, script: string, variables: Record<string, string> = {}): Promise<string> {
  const path = [dirname(cluster.kubectl), dirname(cluster.helm), process.env.PATH].join(':')
  const env = { ...variables, KUBECONFIG: cluster.kubeconfig, PATH: path }
  return exec('bash', ['--norc', '-euo', 'pipefail', '-c', script], { env })
}
