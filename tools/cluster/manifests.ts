/** Copies CRDs and other YAML out of Go modules into the user's cache folder. */
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { DownpourError, errorMessage } from '../../src/support/errors.ts'
import { readStamp, writeStamp } from './build.ts'
import { exec } from './exec.ts'
import { moduleHash } from './modules.ts'
import { MANIFESTS, MODULES } from './paths.ts'
import { ensureGo } from './prerequisites.ts'
import { say, step } from './say.ts'

export interface Manifest {
  readonly name: string
  readonly folder: string
  readonly module: string
  /** Files or folders inside the module. */
  readonly sources: readonly string[]
}

/** The CRD of kwok's Stage, and stages that make nodes Ready and pods Running immediately. */
export const KWOK_STAGES: Manifest = {
  name: 'kwok',
  folder: 'kwok',
  module: 'sigs.k8s.io/kwok',
  sources: [
    'kustomize/crd/bases/kwok.x-k8s.io_stages.yaml',
    'kustomize/stage/node/fast',
    'kustomize/stage/node/heartbeat-with-lease',
    'kustomize/stage/pod/fast',
  ],
}

/** CRDs of other schedulers and queues, which the tests of our adapters need. */
export const ADAPTER_CRDS: readonly Manifest[] = [
  { name: 'kueue', folder: 'crds', module: 'sigs.k8s.io/kueue', sources: ['config/components/crd/bases'] },
  {
    name: 'volcano',
    folder: 'crds',
    module: 'volcano.sh/volcano',
    sources: ['config/crd/volcano/bases/scheduling.volcano.sh_podgroups.yaml'],
  },
  { name: 'coscheduling', folder: 'crds', module: 'sigs.k8s.io/scheduler-plugins', sources: ['config/crd/bases'] },
  {
    name: 'training-operator',
    folder: 'crds',
    module: 'github.com/kubeflow/training-operator',
    sources: ['manifests/base/crds'],
  },
]

export const manifestFile = (name: string) => join(MANIFESTS, `${name}.yaml`)

/** @throws DownpourError MODULE_NOT_SERVED */
export async function ensureManifest(manifest: Manifest, signal?: AbortSignal): Promise<void> {
  const { name, folder, module, sources } = manifest
  const stamp = JSON.stringify([moduleHash(folder), module, sources])
  if (readStamp(folder, `${name}.yaml`) === stamp) return
  await ensureGo(signal)
  await step(`copying YAML out of ${module}`, async () => {
    const content = await moduleContent(folder, module, signal)
    const files = sources.flatMap((source) => yamlFiles(join(content, source)))
    mkdirSync(MANIFESTS, { recursive: true })
    writeFileSync(manifestFile(name), files.map((file) => readFileSync(file, 'utf8')).join('\n---\n'))
  })
  writeStamp(folder, `${name}.yaml`, stamp)
}

/** Continues after a failed download: only the tests of that adapter need the CRDs. */
export async function ensureAdapterCrds(signal?: AbortSignal): Promise<void> {
  for (const manifest of ADAPTER_CRDS) {
    await ensureManifest(manifest, signal).catch((error: unknown) => {
      signal?.throwIfAborted()
      say(`no CRDs of ${manifest.name}: ${errorMessage(error)}`)
    })
  }
}

/** @returns the folder into which Go unpacked the module */
async function moduleContent(folder: string, module: string, signal?: AbortSignal): Promise<string> {
  const args = ['mod', 'download', '-json', module]
  const cwd = join(MODULES, folder)
  const answer = await exec('go', args, { cwd, env: { GOWORK: 'off' }, signal }).catch((cause: unknown) => {
    signal?.throwIfAborted()
    const message = `${module} could not be downloaded (is it served by your GOPROXY?): ${errorMessage(cause)}`
    throw new DownpourError('MODULE_NOT_SERVED', message, { module }, { cause })
  })
  return (JSON.parse(answer) as { Dir: string }).Dir
}

function yamlFiles(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path]
  const names = readdirSync(path).filter((name) => name.endsWith('.yaml') && basename(name) !== 'kustomization.yaml')
  return names.sort().map((name) => join(path, name))
}
