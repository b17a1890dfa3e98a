/** Writes kubeconfigs that contain their certificates, so that they can be copied, as JSON, which is also YAML. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { certificateFile, keyFile } from './certificates.ts'

/** Replaces the file at once: a kubectl that runs meanwhile would read a half-written file as an empty one. */
export function writeKubeconfig(file: string, identity: string, port: number): void {
  const text = `${JSON.stringify(kubeconfig(identity, port), null, 2)}\n`
  const whole = `${file}.new`
  writeFileSync(whole, text, { mode: 0o600 })
  renameSync(whole, file)
}

function kubeconfig(identity: string, port: number) {
  const name = 'downpour-test'
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: { server: `https://127.0.0.1:${port}`, ...authorityData() } }],
    users: [{ name: identity, user: clientData(identity) }],
    contexts: [{ name, context: { cluster: name, user: identity, namespace: 'default' } }],
    'current-context': name,
  }
}

const inBase64 = (file: string) => readFileSync(file).toString('base64')

function authorityData() {
  return { 'certificate-authority-data': inBase64(certificateFile('ca')) }
}

function clientData(identity: string) {
  return {
    'client-certificate-data': inBase64(certificateFile(identity)),
    'client-key-data': inBase64(keyFile(identity)),
  }
}
