/** What `npm start` runs without a file: the quick-start sample, on a data set that is generated at the first start. */
import { access } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import { ANNOTATIONS } from '../contract/names.ts'
import { makeJftMini } from '../data/generate/jft-mini.ts'
import { type Manifest, readManifests } from './manifests.ts'
import { duration, type ProgressView } from './progress.ts'

const SAMPLE = resolve(import.meta.dirname, '../../deploy/samples/quickstart.yaml')

export async function prepareDemonstration(
  options: { stateDir: string; seed?: number },
  view: ProgressView,
): Promise<Manifest[]> {
  const folder = join(options.stateDir, 'data', `jft-mini-${options.seed ?? 0}`)
  await makeDataOnce(folder, options.seed ?? 0, view)
  const manifests = await readManifests([SAMPLE])
  return manifests.map((manifest) => seeded(claimAt(manifest, folder), options.seed))
}

async function makeDataOnce(folder: string, seed: number, view: ProgressView): Promise<void> {
  const exists = await access(join(folder, 'dataset.json')).then(
    () => true,
    () => false,
  )
  if (exists) return
  view.say(`making the data set jft-mini (seed ${seed}) in ${folder} ...`)
  const startedMs = performance.now()
  await makeJftMini({ out: folder, seed })
  view.say(`made it in ${duration((performance.now() - startedMs) / 1000)}`)
}

/** The sample's data claim, pointed at the folder just made. */
function claimAt(manifest: Manifest, folder: string): Manifest {
  const { object } = manifest
  if (object.kind !== 'PersistentVolumeClaim' || object.metadata.name !== 'jft-mini') return manifest
  const annotations = { ...object.metadata.annotations, [ANNOTATIONS.localPath]: relative(process.cwd(), folder) }
  return { ...manifest, object: { ...object, metadata: { ...object.metadata, annotations } } }
}

function seeded(manifest: Manifest, seed: number | undefined): Manifest {
  const object = manifest.object as Manifest['object'] & { spec?: Record<string, unknown> }
  if (seed === undefined || object.kind !== 'PretrainJob') return manifest
  return { ...manifest, object: { ...object, spec: { ...object.spec, seed } } as Manifest['object'] }
}
