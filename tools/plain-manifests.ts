/** deploy/operator: the chart with its defaults, without Helm's own marks, for `kubectl apply -k deploy/`. */
import { spawnSync } from 'node:child_process'
import { CHART, KUBE_VERSION } from './helm.ts'

export const NAMESPACE = 'downpour-system'
const HEADER = '# Made by `npm run generate` from charts/downpour: change the templates there, not this file.\n'
const HELM_MARKS = /^ *(helm\.sh\/chart: .*|app\.kubernetes\.io\/managed-by: Helm)\n/gm
const SOURCE = /^# Source: downpour\/templates\/(.+)\n/m

/** @returns text by file name; the CRDs are left out, they lie in crds/ */
export function plainManifests(helm: string): Map<string, string> {
  const place = ['--namespace', NAMESPACE, ...KUBE_VERSION]
  const words = ['template', 'downpour', CHART, ...place, '--set', 'crds.install=false']
  const { status, stdout, stderr } = spawnSync(helm, words, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`helm template: ${stderr}`)
  const files = new Map<string, string>()
  for (const part of stdout.replace(HELM_MARKS, '').split(/^---\n/m)) {
    const [source, name] = SOURCE.exec(part) ?? []
    if (source === undefined || name === undefined) continue
    const text = `${part.replace(source, '').trim()}\n`
    const before = files.get(name)
    files.set(name, before === undefined ? HEADER + text : `${before}---\n${text}`)
  }
  return files
}
