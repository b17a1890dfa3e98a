/** The manifests in deploy/operator, for `kubectl apply -k deploy/`: the chart rendered with its defaults, without Helm's labels. */
import { spawnSync } from 'node:child_process'
import { CHART, KUBE_VERSION } from './helm.ts'

export const NAMESPACE = 'downpour-system'
const HEADER = '# Made by `npm run generate` from charts/downpour: change the templates there, not this file.\n'
const HELM_LABELS = /^ *(helm\.sh\/chart: .*|app\.kubernetes\.io\/managed-by: Helm)\n/gm
const SOURCE = /^# Source: downpour\/templates\/(.+)\n/m

/** @returns text by file name; without the CRDs, which are in crds/ */
export function plainManifests(helm: string): Map<string, string> {
  const target = ['--namespace', NAMESPACE, ...KUBE_VERSION]
  const args = ['template', 'downpour', CHART, ...target, '--set', 'crds.install=false']
  const { status, stdout, stderr } = spawnSync(helm, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`helm template: ${stderr}`)
  const files = new Map<string, string>()
  for (const part of stdout.replace(HELM_LABELS, '').split(/^---\n/m)) {
    const [source, name] = SOURCE.exec(part) ?? []
    if (source === undefined || name === undefined) continue
    const text = `${part.replace(source, '').trim()}\n`
    const before = files.get(name)
    files.set(name, before === undefined ? HEADER + text : `${before}---\n${text}`)
  }
  return files
}
