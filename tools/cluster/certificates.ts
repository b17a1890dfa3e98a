/** One certificate authority and what it signs, by openssl. Made once a state; whoever holds the folder is the cluster's administrator. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { exec } from './exec.ts'
import { GATEWAY_IP, SERVICE_IP } from './network.ts'
import { PKI } from './paths.ts'
import { needCommand } from './prerequisites.ts'
import { step } from './say.ts'

interface Identity {
  readonly name: string
  readonly subject: string
  readonly extensions: string
}

const API_SERVER_NAMES = ['localhost', 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc']
const CLUSTER_NAME = 'kubernetes.default.svc.cluster.local'
const DAYS = '3650'
const CLIENT = 'extendedKeyUsage=clientAuth'

export const REAL_NODE = 'real'

const IDENTITIES: readonly Identity[] = [
  { name: 'apiserver', subject: '/CN=kube-apiserver', extensions: serving() },
  { name: 'admin', subject: '/O=system:masters/CN=admin', extensions: CLIENT },
  { name: 'controller-manager', subject: '/CN=system:kube-controller-manager', extensions: CLIENT },
  { name: 'scheduler', subject: '/CN=system:kube-scheduler', extensions: CLIENT },
  { name: 'proxy', subject: '/CN=system:kube-proxy', extensions: CLIENT },
  { name: 'kubelet', subject: `/O=system:nodes/CN=system:node:${REAL_NODE}`, extensions: CLIENT },
]

export const certificateFile = (name: string) => join(PKI, `${name}.crt`)
export const keyFile = (name: string) => join(PKI, `${name}.key`)
export const SERVICE_ACCOUNT_PUBLIC = join(PKI, 'service-account.pub')
const DONE = join(PKI, 'done')

export async function ensureCertificates(signal?: AbortSignal): Promise<void> {
  if (existsSync(DONE)) return
  await needCommand('openssl', signal)
  await step('making certificates', async () => {
    mkdirSync(PKI, { recursive: true, mode: 0o700 })
    await makeAuthority(signal)
    for (const identity of IDENTITIES) await sign(identity, signal)
    await makeServiceAccountKey(signal)
    writeFileSync(DONE, '')
  })
}

async function makeAuthority(signal?: AbortSignal): Promise<void> {
  const files = ['-keyout', keyFile('ca'), '-out', certificateFile('ca')]
  const request = ['req', '-x509', ...newKey(), '-subj', '/CN=downpour-test-ca', '-days', DAYS]
  await exec('openssl', [...request, ...files], { signal })
}

async function sign({ name, subject, extensions }: Identity, signal?: AbortSignal): Promise<void> {
  const request = ['req', ...newKey(), '-subj', subject, '-keyout', keyFile(name)]
  const input = await exec('openssl', request, { signal })
  const extensionFile = join(PKI, `${name}.ext`)
  writeFileSync(extensionFile, `${extensions}\n`)
  const authority = ['-CA', certificateFile('ca'), '-CAkey', keyFile('ca'), '-CAcreateserial']
  const output = ['-days', DAYS, '-extfile', extensionFile, '-out', certificateFile(name)]
  await exec('openssl', ['x509', '-req', ...authority, ...output], { input, signal })
}

/** Signs and checks the tokens of service accounts. */
async function makeServiceAccountKey(signal?: AbortSignal): Promise<void> {
  const key = keyFile('service-account')
  await exec('openssl', ['genrsa', '-out', key, '2048'], { signal })
  await exec('openssl', ['rsa', '-in', key, '-pubout', '-out', SERVICE_ACCOUNT_PUBLIC], { signal })
}

function newKey(): string[] {
  return ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
}

function serving(): string {
  const names = [...API_SERVER_NAMES, CLUSTER_NAME].map((name) => `DNS:${name}`)
  const addresses = ['127.0.0.1', SERVICE_IP, GATEWAY_IP].map((address) => `IP:${address}`)
  return `extendedKeyUsage=serverAuth\nsubjectAltName=${[...names, ...addresses].join(',')}`
}
