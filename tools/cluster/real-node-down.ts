/** Takes the real node off the machine again: its containers, its rules, its bridge and its mounts. */
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { crictl } from './binaries.ts'
import { isBuilt } from './build.ts'
import { exec } from './exec.ts'
import { BRIDGE } from './network.ts'
import { onPath } from './prerequisites.ts'
import { pidOf, stop } from './processes.ts'
import { CNI_ADDRESSES, KUBELET_ROOT, NODE_RUN, RUNTIME_ENDPOINT } from './real-node-files.ts'
import { step } from './say.ts'

const RULES = ['iptables', 'ip6tables'] as const
const OF_KUBERNETES = /\bKUBE-/

/**
 * Like the end of a machine: pods are gone, their objects stay, and the next `up` starts them again.
 * @returns whether there was one.
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

/** Through the runtime, which undoes the network and the mounts of each pod. */
async function removePods(): Promise<void> {
  const endpoint = ['--runtime-endpoint', RUNTIME_ENDPOINT, '--timeout', '30s']
  if (isBuilt(crictl())) await exec(crictl().file, [...endpoint, 'rmp', '--all', '--force'])
}

/** Of kubelet and kube-proxy, whose own `--cleanup` leaves some and fails on others: all but their chains is loaded again. */
async function removeRules(): Promise<void> {
  for (const command of RULES.filter((each) => onPath(each))) {
    const lines = (await exec(`${command}-save`, [])).split('\n')
    const kept = lines.filter((line) => !OF_KUBERNETES.test(line))
    if (kept.length < lines.length) await exec(`${command}-restore`, [], { input: kept.join('\n') })
  }
}

/** The deepest mounts first. */
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
