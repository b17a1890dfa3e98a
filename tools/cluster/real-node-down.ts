/** Takes the real node off the machine again: its containers, its rules, its bridge and its mounts. */
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { crictl, kubernetes } from './binaries.ts'
import { isBuilt } from './build.ts'
import { exec } from './exec.ts'
import { BRIDGE } from './network.ts'
import { pidOf, stop } from './processes.ts'
import { CNI_ADDRESSES, KUBELET_ROOT, NODE_RUN, RUNTIME_ENDPOINT } from './real-node-files.ts'
import { step } from './say.ts'

/** What a kubelet leaves behind; `kube-proxy --cleanup` removes only its own. */
const KUBELET_RULES = [
  ['-D', 'INPUT', '-j', 'KUBE-FIREWALL'],
  ['-D', 'OUTPUT', '-j', 'KUBE-FIREWALL'],
  ['-F', 'KUBE-FIREWALL'],
  ['-X', 'KUBE-FIREWALL'],
  ['-t', 'mangle', '-X', 'KUBE-IPTABLES-HINT'],
  ...['filter', 'nat', 'mangle'].map((table) => ['-t', table, '-X', 'KUBE-KUBELET-CANARY']),
]
const IS_GONE = /Cannot find device|No chain|does a matching rule exist|does not exist/

/**
 * Like the end of a machine: pods are gone, their objects stay, and the next `up` starts them again.
 * @returns whether there was one.
 */
export async function stopRealNode(minor: string): Promise<boolean> {
  if (!existsSync(NODE_RUN)) return false
  await step('stopping the real node', async () => {
    await stop('kubelet')
    if (pidOf('containerd')) await removePods()
    for (const name of ['kube-proxy', 'coredns', 'containerd']) await stop(name)
    await removeRules(minor)
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

async function removeRules(minor: string): Promise<void> {
  const proxy = kubernetes('kube-proxy', minor)
  if (isBuilt(proxy)) await exec(proxy.file, ['--cleanup'])
  for (const rule of KUBELET_RULES) await exec('iptables', [...rule]).catch(ignoreMissing)
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
  if (!IS_GONE.test(error.message)) throw error
}
