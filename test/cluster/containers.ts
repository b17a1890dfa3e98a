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

interface DataJob {
  metadata: { name: string }
  spec: { template?: { spec: { containers: { args: string[] }[] } } }
}

/** The claim, the data set and the batch Job of the pose task. */
export const POSE_DATA = 'pose-mini'
const SIZES: Readonly<Record<string, readonly string[]>> = {
  'jft-mini': ['--images', '1600', '--evaluation-images', '100', '--downstream-val-per-class', '10'],
  [POSE_DATA]: ['--train-images', '60', '--val-images', '20'],
}

/** Returns the data of deploy/samples/quickstart-data.yaml for pre-training and poses, with a sixth of its images. */
export function smallData(): string {
  const objects = (sample('quickstart-data.yaml') as DataJob[]).filter(({ metadata }) => metadata.name in SIZES)
  for (const { spec, metadata } of objects)
    spec.template?.spec.containers[0]?.args.push(...(SIZES[metadata.name] ?? []))
  return asList(objects)
}

interface JobSample {
  kind: string
  metadata: { name: string }
  spec: PretrainJobInput
}

/** The FinetuneJobs of quickstart.yaml and quickstart-tasks.yaml that the test runs. */
export const FINETUNE = 'classification'
export const POSE = 'coco-pose'

/** Returns the jobs of the samples with few steps, and two of their FinetuneJobs. */
export function smallJobs(): string {
  const tasks = (sample('quickstart-tasks.yaml') as JobSample[]).filter(({ kind }) => kind === 'FinetuneJob')
  const objects = [...(sample('quickstart.yaml') as JobSample[]), ...tasks].filter(
    ({ kind, metadata }) => kind !== 'FinetuneJob' || [FINETUNE, POSE].includes(metadata.name),
  )
  for (const { kind, spec } of objects) {
    if (kind === 'PersistentVolumeClaim') continue
    const [maxSteps, everySteps] = kind === 'PretrainJob' ? [160, 80] : [80, 80]
    Object.assign(spec, { maxSteps })
    Object.assign(spec.checkpoint, { everySteps })
  }
  return asList(objects)
}

const sample = (name: string) => loadAll(readFileSync(`${ROOT}deploy/samples/${name}`, 'utf8'))
const asList = (items: readonly object[]) => JSON.stringify({ apiVersion: 'v1', kind: 'List', items })
