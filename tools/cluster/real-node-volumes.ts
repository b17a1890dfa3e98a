/**
 * PersistentVolumes for claims without a storage class, which most clusters can bind. They are folders of the real node,
 * so pods that mount one run there.
 */
import { chmodSync, mkdirSync, rmSync } from 'node:fs'
import { REAL_NODE } from './certificates.ts'
import type { Kubectl } from './kubectl.ts'
import { file, REAL_NODE_LABEL } from './real-node-files.ts'

const COUNT = 8
const CAPACITY = '10Gi'
/** Phases of volumes whose claim was deleted; no other claim can bind them. */
const UNUSABLE_PHASES = new Set(['Released', 'Failed'])

interface Volume {
  metadata: { name: string }
  status?: { phase?: string }
}

/** Creates missing volumes and replaces those whose claim was deleted by empty ones; bound volumes stay. */
export async function ensureVolumes(kubectl: Kubectl): Promise<void> {
  const present = await listVolumes(kubectl)
  const unusable = present.filter(({ status }) => UNUSABLE_PHASES.has(status?.phase ?? '')).map(nameOf)
  if (unusable.length > 0) await kubectl(['delete', 'pv', ...unusable])
  const kept = new Set(present.map(nameOf).filter((name) => !unusable.includes(name)))
  const missing = Array.from({ length: COUNT }, (_, index) => `${REAL_NODE}-${index}`).filter((name) => !kept.has(name))
  if (missing.length === 0) return
  await kubectl(['create', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: missing.map(volume) }))
}

/** Without the real node, pods that mount these volumes would stay Pending forever. */
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

/** Writable for all users, because a kubelet does not apply fsGroup to hostPath volumes. */
function emptyFolder(name: string): string {
  const folder = file(`volumes/${name}`)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  chmodSync(folder, 0o777)
  return folder
}
