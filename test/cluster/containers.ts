/** Loads the images of this checkout onto the real node, and shrinks the sample jobs for tests of whole jobs in containers. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { loadAll } from 'js-yaml'
import type { PretrainJobInput } from '../../src/api/pretrain-job.ts'
import { ensureCluster } from '../../tools/cluster/ensure-cluster.ts'
import { exec } from '../../tools/cluster/exec.ts'
import { ensureCommand } from '../../tools/cluster/prerequisites.ts'
import { loadImages } from '../../tools/cluster/real-node-load.ts'
import { step } from '../../tools/cluster/say.ts'
import type { Cluster } from '../../tools/cluster/up.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const { version } = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8')) as { version: string }

/** Builds and loads only what changed: buildah caches layers, and the node keeps its images. */
export async function clusterWithImages(): Promise<Cluster> {
  const cluster = await ensureCluster({ realNode: true })
  await ensureCommand('mmdebstrap')
  await ensureCommand('buildah')
  await step('building the images of this checkout', () =>
    exec(process.execPath, ['tools/images/build.ts'], { cwd: ROOT }),
  )
  await loadImages([`downpour/operator:${version}`, `downpour/runtime:${version}`])
  return cluster
}

const DATA = 'jft-mini'

interface DataJob {
  metadata: { name: string }
  spec: { template?: { spec: { containers: { args: string[] }[] } } }
}

/** Returns the data for pre-training of deploy/samples/quickstart-data.yaml with a sixth of its images. */
export function smallData(): string {
  const objects = (sample('quickstart-data.yaml') as DataJob[]).filter(({ metadata }) => metadata.name === DATA)
  const sizes = ['--images', '1600', '--evaluation-images', '100', '--downstream-val-per-class', '10']
  for (const { spec } of objects) spec.template?.spec.containers[0]?.args.push(...sizes)
  return asList(objects)
}

interface JobSample {
  kind: string
  metadata: { name: string }
  spec: PretrainJobInput
}

/** The FinetuneJob of quickstart.yaml that the test runs. */
export const FINETUNE = 'classification'

/** Returns deploy/samples/quickstart.yaml with a tenth of its steps and one of its FinetuneJobs. */
export function smallJobs(): string {
  const objects = (sample('quickstart.yaml') as JobSample[]).filter(
    ({ kind, metadata }) => kind !== 'FinetuneJob' || metadata.name === FINETUNE,
  )
  for (const { kind, spec } of objects) {
    if (kind === 'PersistentVolumeClaim') continue
    const [maxSteps, everySteps] = kind === 'PretrainJob' ? [160, 80] : [40, 40]
    Object.assign(spec, { maxSteps })
    Object.assign(spec.checkpoint, { everySteps })
  }
  return asList(objects)
}

const sample = (name: string) => loadAll(readFileSync(`${ROOT}deploy/samples/${name}`, 'utf8'))
const asList = (items: readonly object[]) => JSON.stringify({ apiVersion: 'v1', kind: 'List', items })
