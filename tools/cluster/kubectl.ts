/** Runs kubectl as the cluster's administrator: the one on PATH, or one built from the cluster's Kubernetes module. */
import { kubernetes } from './binaries.ts'
import { build } from './build.ts'
import { exec } from './exec.ts'
import { KUBECONFIG } from './paths.ts'
import { onPath } from './prerequisites.ts'

export type Kubectl = (args: readonly string[], input?: string) => Promise<string>

/** @returns the path of a kubectl, which may first have to be built. */
export async function ensureKubectl(minor: string, signal?: AbortSignal): Promise<string> {
  const onMachine = onPath('kubectl')
  if (onMachine) return onMachine
  const binary = kubernetes('kubectl', minor)
  await build([binary], signal)
  return binary.file
}

export function kubectlAt(file: string, signal?: AbortSignal): Kubectl {
  return (args, input) => exec(file, [`--kubeconfig=${KUBECONFIG}`, ...args], { ...(input ? { input } : {}), signal })
}
