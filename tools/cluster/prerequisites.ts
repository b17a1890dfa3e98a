/** Commands that must be on the machine: installs missing ones with apt-get, or names the missing package. */
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { DownpourError } from '../../src/support/errors.ts'
import { exec } from './exec.ts'
import { SEARCH_PATH } from './paths.ts'
import { step } from './say.ts'

/** Debian package of each command. */
const PACKAGES = {
  go: 'golang-go',
  openssl: 'openssl',
  containerd: 'containerd',
  ctr: 'containerd',
  runc: 'runc',
  strace: 'strace',
  iptables: 'iptables',
  conntrack: 'conntrack',
  ip: 'iproute2',
  buildah: 'buildah',
  mmdebstrap: 'mmdebstrap',
  prometheus: 'prometheus',
  promtool: 'prometheus',
  'prometheus-alertmanager': 'prometheus-alertmanager',
} as const
export type Prerequisite = keyof typeof PACKAGES

const CNI_FOLDERS = ['/usr/lib/cni', '/opt/cni/bin']

export function onPath(command: string): string | undefined {
  return SEARCH_PATH.split(delimiter)
    .map((folder) => join(folder, command))
    .find((file) => existsSync(file))
}

/** @returns the path of the command. @throws DownpourError MISSING_PREREQUISITE */
export async function ensureCommand(command: Prerequisite, signal?: AbortSignal): Promise<string> {
  if (!onPath(command)) await install(PACKAGES[command], `${command} is not on PATH`, signal)
  const found = onPath(command)
  if (!found) throw missing(PACKAGES[command], `${command} is still not on PATH`)
  return found
}

/** From Go 1.21 on, `go` downloads the newer Go that a go.mod requires. */
const OLDEST_GO = 21

export async function ensureGo(signal?: AbortSignal): Promise<void> {
  await ensureCommand('go', signal)
  const version = (await exec('go', ['env', 'GOVERSION'], { signal })).trim()
  const [, minor] = /^go1\.(\d+)/.exec(version) ?? []
  if (minor && Number(minor) < OLDEST_GO) {
    throw missing('golang from backports, or go.dev/dl', `Go 1.${OLDEST_GO} or later is needed and this is ${version}`)
  }
}

/** @returns the folder that holds the CNI plugins. */
export async function ensureCniPlugins(signal?: AbortSignal): Promise<string> {
  const find = () => CNI_FOLDERS.find((folder) => existsSync(join(folder, 'host-local')))
  const reason = `no CNI plugins in ${CNI_FOLDERS.join(' or ')}`
  if (!find()) await install('containernetworking-plugins', reason, signal)
  const found = find()
  if (!found) throw missing('containernetworking-plugins', reason)
  return found
}

async function install(name: string, reason: string, signal?: AbortSignal): Promise<void> {
  if (process.getuid?.() !== 0 || !onPath('apt-get')) throw missing(name, reason)
  // In a runlevel of maintenance, packages do not start the services that they install.
  const env = { DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' }
  await step(`installing ${name}`, async () => {
    const args = ['install', '-y', '--no-install-recommends', name]
    // Container images often have no package lists or old ones: updates them after a failure and tries again.
    const tryInstall = () => exec('apt-get', args, { env, signal })
    await tryInstall().catch(async () => {
      await exec('apt-get', ['update'], { env, signal })
      await tryInstall()
    })
  })
}

function missing(name: string, reason: string): DownpourError {
  const advice = `install it (Debian package: ${name}) and run again`
  return new DownpourError('MISSING_PREREQUISITE', `${reason}: ${advice}`, { package: name })
}
