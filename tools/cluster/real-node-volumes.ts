/** Volumes for claims that name no class, as most clusters have them: folders of the real node, so that pods that mount one run there. */
import { chmodSync, mkdirSync, rmSync } from 'node:fs'
import { REAL_NODE } from './certificates.ts'
import type { Kubectl } from './kubectl.ts'
import { file, REAL_NODE_LABEL } from './real-node-files.ts'

const COUNT = 8
const CAPACITY = '10Gi'
/** Their claim is gone, and nothing binds them again. */
const SPENT = new Set(['Released', 'Failed'])

interface Volume {
  metadata: { name: string }
  status?: { phase?: string }
}

/** Those whose claim is gone come back empty; what a claim holds stays. */
export async function ensureVolumes(kubectl: Kubectl): Promise<void> {
  const present = await listVolumes(kubectl)
  const spent = present.filter(({ status }) => SPENT.has(status?.phase ?? '')).map(nameOf)
  if (spent.length > 0) await kubectl(['delete', 'pv', ...spent])
  const kept = new Set(present.map(nameOf).filter((name) => !spent.includes(name)))
  const missing = Array.from({ length: COUNT }, (_, index) => `${REAL_NODE}-${index}`).filter((name) => !kept.has(name))
  if (missing.length === 0) return
  await kubectl(['create', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: missing.map(volume) }))
}

/** Without their node they would keep pods waiting for ever. */
export async function removeVolumes(kubectl: Kubectl): Promise<void> {
  await kubectl(['delete', 'pv', '-l', REAL_NODE_LABEL, '--wait=false'])
}

async function listVolumes(kubectl: Kubectl): Promise<Volume[]> {
  return (JSON.parse(await kubectl(['get', 'pv', '-l', REAL_NODE_LABEL, '-o', 'json'])) as { items: Volume[] }).items
}

const nameOf = ({ metadata }: Volume) => metadata.name

function volume(name: string) {
  const [label = '', value = ''] = REAL_NODE_LABEL.split('=')
  const onNode = { matchExpressions: [{ key: label, operator: 'In', values: [value] }] }
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name, labels: { [label]: value } },
    spec: {
      capacity: { storage: CAPACITY },
      accessModes: ['ReadWriteOnce', 'ReadOnlyMany', 'ReadWriteMany'],
      persistentVolumeReclaimPolicy: 'Retain',
      hostPath: { path: emptyFolder(name), type: 'Directory' },
      nodeAffinity: { required: { nodeSelectorTerms: [onNode] } },
    },
  }
}

/** Open to all: a kubelet gives the folders of its own machine to no group. */
function emptyFolder(name: string): string {
  const folder = file(`volumes/${name}`)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  chmodSync(folder, 0o777)
  return folder
}
