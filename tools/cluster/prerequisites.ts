/** What must be on the machine and is not built here: installed by apt-get where that is possible, named where it is not. */
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { DownpourError } from '../../src/support/errors.ts'
import { exec } from './exec.ts'
import { SEARCH_PATH } from './paths.ts'
import { step } from './say.ts'

/** Command → the Debian package that has it. */
const PACKAGES = {
  go: 'golang-go',
  openssl: 'openssl',
  containerd: 'containerd',
  ctr: 'containerd',
  runc: 'runc',
  iptables: 'iptables',
  conntrack: 'conntrack',
  ip: 'iproute2',
  buildah: 'buildah',
  mmdebstrap: 'mmdebstrap',
} as const
export type Prerequisite = keyof typeof PACKAGES

const CNI_FOLDERS = ['/usr/lib/cni', '/opt/cni/bin']

export function onPath(command: string): string | undefined {
  return SEARCH_PATH.split(delimiter)
    .map((folder) => join(folder, command))
    .find((file) => existsSync(file))
}

export async function needCommand(command: Prerequisite, signal?: AbortSignal): Promise<string> {
  if (!onPath(command)) await install(PACKAGES[command], `${command} is not on PATH`, signal)
  const found = onPath(command)
  if (!found) throw missing(PACKAGES[command], `${command} is still not on PATH`)
  return found
}

/** A Go that is old, but not older than this, fetches the one that a go.mod asks for. */
const OLDEST_GO = 21

export async function needGo(signal?: AbortSignal): Promise<void> {
  await needCommand('go', signal)
  const version = (await exec('go', ['env', 'GOVERSION'], { signal })).trim()
  const [, minor] = /^go1\.(\d+)/.exec(version) ?? []
  if (minor && Number(minor) < OLDEST_GO) {
    throw missing('golang from backports, or go.dev/dl', `Go 1.${OLDEST_GO} or later is needed and this is ${version}`)
  }
}

/** @returns the folder that holds the CNI plugins. */
export async function needCniPlugins(signal?: AbortSignal): Promise<string> {
  const find = () => CNI_FOLDERS.find((folder) => existsSync(join(folder, 'host-local')))
  const reason = `no CNI plugins in ${CNI_FOLDERS.join(' or ')}`
  if (!find()) await install('containernetworking-plugins', reason, signal)
  const found = find()
  if (!found) throw missing('containernetworking-plugins', reason)
  return found
}

async function install(name: string, reason: string, signal?: AbortSignal): Promise<void> {
  if (process.getuid?.() !== 0 || !onPath('apt-get')) throw missing(name, reason)
  const env = { DEBIAN_FRONTEND: 'noninteractive' }
  await step(`installing ${name}`, async () => {
    const args = ['install', '-y', '--no-install-recommends', name]
    // An image's package lists are often gone or too old: one look at the mirrors, then again.
    const once = () => exec('apt-get', args, { env, signal })
    await once().catch(async () => {
      await exec('apt-get', ['update'], { env, signal })
      await once()
    })
  })
}

function missing(name: string, reason: string): DownpourError {
  const advice = `install it (Debian package: ${name}) and run again`
  return new DownpourError('MISSING_PREREQUISITE', `${reason}: ${advice}`, { package: name })
}
