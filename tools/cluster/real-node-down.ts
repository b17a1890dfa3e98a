/** Removes the real node from the machine: its containers, iptables rules, bridge and mounts. */
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { crictl } from './binaries.ts'
import { isBuilt } from './build.ts'
import { exec } from './exec.ts'
import { BRIDGE } from './network.ts'
import { onPath } from './prerequisites.ts'
import { pidOf, stop } from './processes.ts'
import { CNI_ADDRESSES, KUBELET_ROOT, NODE_RUN, RUNTIME_ENDPOINT } from './real-node-files.ts'
import { step } from './say.ts'

const IPTABLES_COMMANDS = ['iptables', 'ip6tables'] as const
const KUBERNETES_CHAIN = /\bKUBE-/

/**
 * Has the effect of a machine's shutdown: containers end, Pod objects stay, and the next `up` starts them again.
 * @returns whether there was a real node
 */
export async function stopRealNode(): Promise<boolean> {
  if (!existsSync(NODE_RUN)) return false
  await step('stopping the real node', async () => {
    await stop('kubelet')
    if (pidOf('containerd')) await removePods()
    for (const name of ['kube-proxy', 'coredns', 'containerd']) await stop(name)
    await removeRules()
    await exec('ip', ['link', 'delete', BRIDGE]).catch(ignoreMissing)
    await unmountFrom([NODE_RUN, KUBELET_ROOT])
    for (const folder of [NODE_RUN, CNI_ADDRESSES]) rmSync(folder, { recursive: true, force: true })
  })
  return true
}

/** Removes pods through the container runtime, which also removes their network and mounts. */
async function removePods(): Promise<void> {
  const endpoint = ['--runtime-endpoint', RUNTIME_ENDPOINT, '--timeout', '30s']
  if (isBuilt(crictl())) await exec(crictl().file, [...endpoint, 'rmp', '--all', '--force'])
}

/**
 * Removes the rules of kubelet and kube-proxy by loading all other rules again: kube-proxy's own `--cleanup` leaves some
 * and fails on others.
 */
async function removeRules(): Promise<void> {
  for (const command of IPTABLES_COMMANDS.filter((each) => onPath(each))) {
    const lines = (await exec(`${command}-save`, [])).split('\n')
    const kept = lines.filter((line) => !KUBERNETES_CHAIN.test(line))
    if (kept.length < lines.length) await exec(`${command}-restore`, [], { input: kept.join('\n') })
  }
}

/** Unmounts in reverse order of mounting, so that nested mounts come first. */
async function unmountFrom(folders: readonly string[]): Promise<void> {
  const mounts = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .filter((path) => folders.some((folder) => path === folder || path.startsWith(`${folder}/`)))
  for (const path of mounts.reverse()) await exec('umount', ['--lazy', path])
}

function ignoreMissing(error: Error): void {
  if (!error.message.includes('Cannot find device')) throw error
}
