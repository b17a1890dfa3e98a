/**
 * The cluster's certificate authority and the certificates that it signs, made with openssl and kept until
 * `down --purge`. Anyone who can read the folder is an administrator of the cluster.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { exec } from './exec.ts'
import { GATEWAY_IP, SERVICE_IP } from './network.ts'
import { PKI } from './paths.ts'
import { ensureCommand } from './prerequisites.ts'
import { step } from './say.ts'

interface Identity {
  readonly name: string
  readonly subject: string
  readonly extensions: string
}

const API_SERVER_NAMES = ['localhost', 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc']
const CLUSTER_NAME = 'kubernetes.default.svc.cluster.local'
const DAYS = '3650'
const CLIENT_EXTENSIONS = 'extendedKeyUsage=clientAuth'

export const REAL_NODE = 'real'

const IDENTITIES: readonly Identity[] = [
  { name: 'apiserver', subject: '/CN=kube-apiserver', extensions: serverExtensions() },
  { name: 'admin', subject: '/O=system:masters/CN=admin', extensions: CLIENT_EXTENSIONS },
  { name: 'controller-manager', subject: '/CN=system:kube-controller-manager', extensions: CLIENT_EXTENSIONS },
  { name: 'scheduler', subject: '/CN=system:kube-scheduler', extensions: CLIENT_EXTENSIONS },
  { name: 'proxy', subject: '/CN=system:kube-proxy', extensions: CLIENT_EXTENSIONS },
  { name: 'kubelet', subject: `/O=system:nodes/CN=system:node:${REAL_NODE}`, extensions: CLIENT_EXTENSIONS },
]

export const certificateFile = (name: string) => join(PKI, `${name}.crt`)
export const keyFile = (name: string) => join(PKI, `${name}.key`)
export const SERVICE_ACCOUNT_PUBLIC = join(PKI, 'service-account.pub')
/** Exists once all certificates do. */
const DONE_FILE = join(PKI, 'done')

export async function ensureCertificates(signal?: AbortSignal): Promise<void> {
  if (existsSync(DONE_FILE)) return
  await ensureCommand('openssl', signal)
  await step('making certificates', async () => {
    mkdirSync(PKI, { recursive: true, mode: 0o700 })
    await makeAuthority(signal)
    for (const identity of IDENTITIES) await sign(identity, signal)
    await makeServiceAccountKey(signal)
    writeFileSync(DONE_FILE, '')
  })
}

async function makeAuthority(signal?: AbortSignal): Promise<void> {
  const files = ['-keyout', keyFile('ca'), '-out', certificateFile('ca')]
  const request = ['req', '-x509', ...newKeyArgs(), '-subj', '/CN=downpour-test-ca', '-days', DAYS]
  await exec('openssl', [...request, ...files], { signal })
}

async function sign({ name, subject, extensions }: Identity, signal?: AbortSignal): Promise<void> {
  const request = ['req', ...newKeyArgs(), '-subj', subject, '-keyout', keyFile(name)]
  const input = await exec('openssl', request, { signal })
  const extensionFile = join(PKI, `${name}.ext`)
  writeFileSync(extensionFile, `${extensions}\n`)
  const authority = ['-CA', certificateFile('ca'), '-CAkey', keyFile('ca'), '-CAcreateserial']
  const output = ['-days', DAYS, '-extfile', extensionFile, '-out', certificateFile(name)]
  await exec('openssl', ['x509', '-req', ...authority, ...output], { input, signal })
}

/** Makes the key pair that signs and verifies service account tokens. */
async function makeServiceAccountKey(signal?: AbortSignal): Promise<void> {
  const key = keyFile('service-account')
  await exec('openssl', ['genrsa', '-out', key, '2048'], { signal })
  await exec('openssl', ['rsa', '-in', key, '-pubout', '-out', SERVICE_ACCOUNT_PUBLIC], { signal })
}

function newKeyArgs(): string[] {
  return ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
}

function serverExtensions(): string {
  const names = [...API_SERVER_NAMES, CLUSTER_NAME].map((name) => `DNS:${name}`)
  const addresses = ['127.0.0.1', SERVICE_IP, GATEWAY_IP].map((address) => `IP:${address}`)
  return `extendedKeyUsage=serverAuth\nsubjectAltName=${[...names, ...addresses].join(',')}`
}
