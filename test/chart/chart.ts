/** Runs Helm on the chart and parses what it renders. */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadAll } from 'js-yaml'
import { CHART, findHelm, KUBE_VERSION } from '../../tools/helm.ts'

export const helm = findHelm()
/** For `test(name, { skip }, …)`. */
export const skip = helm === undefined ? 'no helm: npm run cluster -- up builds one' : false
export const NAMESPACE = 'downpour-system'

export type Values = Record<string, unknown>

export interface PolicyRule {
  apiGroups: string[]
  resources: string[]
  verbs: string[]
  resourceNames?: string[]
}

export interface Container {
  name: string
  image: string
  args?: string[]
  env?: { name: string; value?: string }[]
  ports?: { name: string; containerPort: number; hostPort?: number }[]
  resources?: { requests?: Record<string, string>; limits?: Record<string, string> }
  securityContext?: Record<string, unknown>
  volumeMounts?: { name: string; mountPath: string }[]
  livenessProbe?: { httpGet?: Record<string, unknown> }
  readinessProbe?: { httpGet?: Record<string, unknown> }
}

export interface PodSpec {
  containers: Container[]
  initContainers?: Container[]
  volumes?: Record<string, unknown>[]
  securityContext?: Record<string, unknown>
  automountServiceAccountToken?: boolean
  serviceAccountName?: string
  [field: string]: unknown
}

export interface Rendered {
  apiVersion: string
  kind: string
  metadata: {
    name: string
    namespace?: string
    labels?: Record<string, string>
    annotations?: Record<string, string>
  }
  rules?: PolicyRule[]
  roleRef?: { kind: string; name: string }
  subjects?: { kind: string; name: string; namespace: string }[]
  spec?: Record<string, unknown>
}

export interface Outcome {
  status: number
  stdout: string
  stderr: string
}

/** @param args of `helm`; `VALUES` stands for the path of a file with the values */
export function runHelm(args: readonly string[], values: Values = {}): Outcome {
  const folder = mkdtempSync(join(tmpdir(), 'downpour-chart-'))
  try {
    const file = join(folder, 'values.json')
    writeFileSync(file, JSON.stringify(values))
    const withFile = args.map((arg) => (arg === 'VALUES' ? file : arg))
    const { status, stdout, stderr } = spawnSync(helm ?? 'helm', withFile, { encoding: 'utf8', maxBuffer: 2 ** 26 })
    return { status: status ?? -1, stdout, stderr }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

export function lint(values: Values = {}): Outcome {
  return runHelm(['lint', '--strict', CHART, ...KUBE_VERSION, '--values', 'VALUES'], values)
}

export function template(values: Values = {}): Outcome {
  return runHelm(
    ['template', 'downpour', CHART, '--namespace', NAMESPACE, ...KUBE_VERSION, '--values', 'VALUES'],
    values,
  )
}

/** Renders NOTES.txt as an ordinary template, because Helm prints notes only if it can reach a cluster. */
export function notes(values: Values = {}): string {
  const copy = mkdtempSync(join(tmpdir(), 'downpour-notes-'))
  try {
    cpSync(CHART, copy, { recursive: true })
    const text = readFileSync(join(CHART, 'templates/NOTES.txt'), 'utf8')
    writeFileSync(join(copy, 'templates/_notes.tpl'), `{{- define "notes" -}}\n${text}{{- end }}\n`)
    writeFileSync(
      join(copy, 'templates/notes.yaml'),
      '{ "kind": "Notes", "notes": {{ include "notes" . | toJson }} }\n',
    )
    const args = [
      '--namespace',
      NAMESPACE,
      ...KUBE_VERSION,
      '--show-only',
      'templates/notes.yaml',
      '--values',
      'VALUES',
    ]
    const [rendered] = parseManifests(runHelm(['template', 'downpour', copy, ...args], values).stdout)
    return (rendered as unknown as { notes: string }).notes
  } finally {
    rmSync(copy, { recursive: true })
  }
}

/** @throws Error with Helm's stderr if it fails */
export function render(values: Values = {}): Rendered[] {
  const { status, stdout, stderr } = template(values)
  if (status !== 0) throw new Error(stderr)
  return parseManifests(stdout)
}

export function parseManifests(text: string): Rendered[] {
  return (loadAll(text) as (Rendered | null)[]).filter((object) => object !== null)
}

export const ofKind = (objects: readonly Rendered[], kind: string) => objects.filter((object) => object.kind === kind)

export function podSpecOf(deployment: Rendered): PodSpec {
  return (deployment.spec as { template: { spec: PodSpec } }).template.spec
}
