/** The jobs of `npm start` without a file: the quick-start samples, with their data sets in the state folder. */
import { join, relative, resolve } from 'node:path'
import { ANNOTATIONS, PLURALS } from '../../contract/names.ts'
import { type Manifest, readManifests } from '../manifests.ts'

const SAMPLES = resolve(import.meta.dirname, '../../../deploy/samples')
const QUICK = ['quickstart.yaml']
const WHOLE = [...QUICK, 'quickstart-tasks.yaml']
/** Keeps --quick below 4 minutes on WASM; with fewer steps, its gains become small and vary from run to run. */
const QUICK_PRETRAIN_STEPS = 1400

export interface DemonstrationOptions {
  stateDir: string
  /** Without the tasks that take most of the time, and with fewer steps of pre-training. */
  quick?: boolean
  /** Of data and weights; absent: the samples'. */
  seed?: number
}

export async function readDemonstration(options: DemonstrationOptions): Promise<Manifest[]> {
  const files = options.quick ? QUICK : WHOLE
  const manifests = await readManifests(files.map((file) => join(SAMPLES, file)))
  return manifests.map((manifest) => withSpec(inStateDir(manifest, options), fieldsFor(manifest.object.kind, options)))
}

/** What the options change in the spec of a job. */
function fieldsFor(kind: string, { quick, seed }: DemonstrationOptions): Record<string, number> {
  return {
    ...(seed !== undefined && { seed }),
    ...(quick && kind === 'PretrainJob' && { maxSteps: QUICK_PRETRAIN_STEPS }),
  }
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

/** Sets fields in the spec of a job; other objects stay as they are. */
function withSpec(manifest: Manifest, fields: Record<string, number>): Manifest {
  const object = manifest.object as Manifest['object'] & { spec?: Record<string, unknown> }
  if (!Object.hasOwn(PLURALS, object.kind)) return manifest
  return { ...manifest, object: { ...object, spec: { ...object.spec, ...fields } } as Manifest['object'] }
}
