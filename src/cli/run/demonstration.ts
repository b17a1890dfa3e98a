/** The jobs of `npm start` without a file: the quick-start samples, with their data sets in the state folder. */
import { join, relative, resolve } from 'node:path'
import { ANNOTATIONS, PLURALS } from '../../contract/names.ts'
import { type Manifest, readManifests } from '../manifests.ts'

const SAMPLES = resolve(import.meta.dirname, '../../../deploy/samples')
const QUICK = ['quickstart.yaml']
const WHOLE = [...QUICK, 'quickstart-tasks.yaml']

export interface DemonstrationOptions {
  stateDir: string
  /** Without the tasks that take most of the time. */
  quick?: boolean
  /** Of data and weights; absent: the samples'. */
  seed?: number
}

export async function readDemonstration(options: DemonstrationOptions): Promise<Manifest[]> {
  const files = options.quick ? QUICK : WHOLE
  const manifests = await readManifests(files.map((file) => join(SAMPLES, file)))
  return manifests.map((manifest) => seeded(inStateDir(manifest, options), options.seed))
}

function inStateDir(manifest: Manifest, { stateDir, seed = 0 }: DemonstrationOptions): Manifest {
  const { object } = manifest
  const [name, ...sizes] = object.metadata.annotations?.[ANNOTATIONS.localMake]?.split(' ') ?? []
  if (name === undefined) return manifest
  const request = [name, `seed=${seed}`, ...sizes.filter((size) => !size.startsWith('seed='))]
  const annotations = {
    ...object.metadata.annotations,
    [ANNOTATIONS.localPath]: relative(process.cwd(), join(stateDir, 'data', `${name}-${seed}`)),
    [ANNOTATIONS.localMake]: request.join(' '),
  }
  return { ...manifest, object: { ...object, metadata: { ...object.metadata, annotations } } }
}

function seeded(manifest: Manifest, seed: number | undefined): Manifest {
  const object = manifest.object as Manifest['object'] & { spec?: Record<string, unknown> }
  if (seed === undefined || !Object.hasOwn(PLURALS, object.kind)) return manifest
  return { ...manifest, object: { ...object, spec: { ...object.spec, seed } } as Manifest['object'] }
}
