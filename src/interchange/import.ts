/** Makes a checkpoint of a safetensors file with the weights of one of torchvision's ResNets. */
import { basename, join } from 'node:path'
import { commitFile } from '../checkpoint/commit.ts'
import { inconsistencyIn } from '../checkpoint/consistency.ts'
import { allFinite } from '../checkpoint/contents.ts'
import { encodeManifest, MANIFEST_FILE, type Manifest, type ShardRecord } from '../checkpoint/manifest.ts'
import { encodeHeader } from '../checkpoint/safetensors-header.ts'
import { type Class, encodeClasses } from '../contract/classes.ts'
import { checkpointFolder, FILES, shardFile } from '../contract/files.ts'
import type { BackboneName } from '../models/architectures.ts'
import { sha256Of } from '../support/digest.ts'
import { DownpourError } from '../support/errors.ts'
import { checkFolderPath } from '../support/folder.ts'
import { storedVariable, type VariableSpec } from '../support/variables.ts'
import { type ModelLayout, makeLayout, wholeLayout } from '../wire/layout.ts'
import { type ImportPlan, planImport } from './import-plan.ts'
import type { VariantName } from './metadata.ts'
import { writeOutput } from './output.ts'
import { TensorFile } from './tensor-file.ts'
import { fromTorch, torchName } from './torch-tensors.ts'

export interface ImportOptions {
  /** The safetensors file. */
  readonly file: string
  /** Gets a folder `step-000000000`. */
  readonly out: string
  readonly variant?: VariantName | undefined
  /** Of the last layer, in the order of its outputs. */
  readonly classes?: readonly Class[] | undefined
  /** Called once the file is known to be one that can be imported. */
  readonly onPlan?: (plan: ImportPlan) => void
  readonly onProgress?: (done: number, total: number) => void
  readonly signal?: AbortSignal
}

export interface Imported {
  readonly folder: string
  /** sha256 of the manifest, hex. */
  readonly digest: string
  readonly bytes: number
}

const STEP = 0
/** The parameter-server seed of a checkpoint that none has drawn. */
const NO_SEED = 0

/**
 * Holds one tensor at a time. Leaves nothing behind when it fails or is interrupted.
 * @throws DownpourError FILE_UNREADABLE, NOT_SAFETENSORS, SAFETENSORS_…, IMPORT_…, METADATA_INVALID, CLASSES_INVALID,
 * OUTPUT_…; AbortError
 */
export async function importCheckpoint(options: ImportOptions): Promise<Imported> {
  checkFolderPath(options.out, { option: '--out', code: 'OUTPUT_UNUSABLE' })
  await using file = await TensorFile.open(options.file)
  const plan = planImport(file, options)
  options.onPlan?.(plan)
  const folder = join(options.out, checkpointFolder(STEP))
  const layout = makeLayout(plan.variables)
  let written: Omit<Imported, 'folder'> = { digest: '', bytes: 0 }
  await writeOutput(folder, async (temporary) => {
    written = await writeCheckpoint(temporary, { file, plan, layout, options })
    return temporary
  })
  return { folder, ...written }
}

interface Work {
  readonly file: TensorFile
  readonly plan: ImportPlan
  readonly layout: ModelLayout
  readonly options: ImportOptions
}

async function writeCheckpoint(folder: string, work: Work): Promise<Omit<Imported, 'folder'>> {
  const { file, plan, layout, options } = work
  const name = shardFile(0, 1)
  const committed = await commitFile(join(folder, name), shardParts(work))
  const shard = { index: 0, file: name, incarnation: 0, version: STEP, workers: [], superseded: [], ...committed }
  const uid = await file.sha256(options.signal)
  const manifest = { ...manifestOf(plan, layout, shard, file.path, uid), ...(await writeClasses(folder, plan.classes)) }
  const nonsense = inconsistencyIn(manifest, checkpointFolder(STEP))
  if (nonsense) throw new DownpourError('BUG_IMPORT', `the imported checkpoint is inconsistent: ${nonsense}`)
  const bytes = encodeManifest(manifest)
  options.signal?.throwIfAborted()
  await commitFile(join(folder, MANIFEST_FILE), [bytes])
  return { digest: sha256Of(bytes), bytes: committed.bytes }
}

/** The shard's header, then its variables in the order of the layout. */
async function* shardParts({ file, plan, layout, options }: Work): AsyncGenerator<Uint8Array> {
  const entries = wholeLayout(layout).entries
  yield encodeHeader(
    entries.map(({ name, shape }) => ({ name, dtype: 'F32', shape })),
    { format: 'pt' },
  )
  for (const [i, variable] of entries.entries()) {
    options.signal?.throwIfAborted()
    const values = await read(file, plan.prefix, variable)
    yield new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
    options.onProgress?.(i + 1, entries.length)
  }
}

async function read(file: TensorFile, prefix: string, { name, shape }: VariableSpec): Promise<Float32Array> {
  const tensor = `${prefix}${torchName(name)}`
  const values = await file.floats(tensor)
  if (allFinite(values)) return fromTorch(values, shape)
  const { dtype } = file.header.entries.get(tensor) ?? {}
  const reason = dtype === 'F64' ? 'not finite, or too large for float32' : 'not finite'
  const message = `${file.path}: tensor '${tensor}' has values that are ${reason}`
  throw new DownpourError('IMPORT_NOT_FINITE', message, { tensor })
}

async function writeClasses(folder: string, classes: ImportPlan['classes']): Promise<Pick<Manifest, 'classes'>> {
  if (!classes) return {}
  const { bytes, count } = encodeClasses(classes)
  return { classes: { file: FILES.classes, count, ...(await commitFile(join(folder, FILES.classes), [bytes])) } }
}

function manifestOf(
  { backbone, variant, batchNormEpsilon }: ImportPlan,
  layout: ModelLayout,
  shard: ShardRecord,
  path: string,
  uid: string,
): Manifest {
  return {
    formatVersion: 1,
    step: STEP,
    final: true,
    savedAt: new Date().toISOString(),
    // The file in place of a job.
    job: { kind: 'Import', namespace: '', name: basename(path), uid },
    seed: NO_SEED,
    model: { backbone: backbone satisfies BackboneName, variant, batchNormEpsilon },
    optimizer: 'none',
    layout: { hash: layout.hash, variables: layout.variables.map(storedVariable) },
    shards: [shard],
    leases: null,
    psIncarnation: 0,
  }
}
