/** The jobs of `npm start` without a file: the quick-start sample, with its data set in the state folder. */
import { join, relative, resolve } from 'node:path'
import { ANNOTATIONS } from '../../contract/names.ts'
import { type Manifest, readManifests } from '../manifests.ts'

const SAMPLE = resolve(import.meta.dirname, '../../../deploy/samples/quickstart.yaml')

/** @param options.seed of data and weights; absent: the sample's */
export async function readDemonstration(options: { stateDir: string; seed?: number }): Promise<Manifest[]> {
  const manifests = await readManifests([SAMPLE])
  return manifests.map((manifest) => seeded(inStateDir(manifest, options), options.seed))
}

function inStateDir(manifest: Manifest, { stateDir, seed = 0 }: { stateDir: string; seed?: number }): Manifest {
  const { object } = manifest
  if (!object.metadata.annotations?.[ANNOTATIONS.localMake]) return manifest
  const folder = relative(process.cwd(), join(stateDir, 'data', `jft-mini-${seed}`))
  const annotations = {
    ...object.metadata.annotations,
    [ANNOTATIONS.localPath]: folder,
    [ANNOTATIONS.localMake]: `jft-mini seed=${seed}`,
  }
  return { ...manifest, object: { ...object, metadata: { ...object.metadata, annotations } } }
}

function seeded(manifest: Manifest, seed: number | undefined): Manifest {
  const object = manifest.object as Manifest['object'] & { spec?: Record<string, unknown> }
  if (seed === undefined || object.kind !== 'PretrainJob') return manifest
  return { ...manifest, object: { ...object, spec: { ...object.spec, seed } } as Manifest['object'] }
}
