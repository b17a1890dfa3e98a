/** A kubeconfig that carries its certificates, so that it may be copied. It is JSON, which is YAML too. */
import { readFileSync, writeFileSync } from 'node:fs'
import { certificateFile, keyFile } from './certificates.ts'

export function writeKubeconfig(file: string, identity: string, port: number): void {
  const text = `${JSON.stringify(kubeconfig(identity, port), null, 2)}\n`
  writeFileSync(file, text, { mode: 0o600 })
}

function kubeconfig(identity: string, port: number) {
  const name = 'downpour-test'
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: { server: `https://127.0.0.1:${port}`, ...inBase64('ca') } }],
    users: [{ name: identity, user: inBase64(identity) }],
    contexts: [{ name, context: { cluster: name, user: identity, namespace: 'default' } }],
    'current-context': name,
  }
}

function inBase64(name: string): Record<string, string> {
  const read = (file: string) => readFileSync(file).toString('base64')
  if (name === 'ca') return { 'certificate-authority-data': read(certificateFile(name)) }
  return { 'client-certificate-data': read(certificateFile(name)), 'client-key-data': read(keyFile(name)) }
}
