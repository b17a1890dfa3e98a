/** Writes a checkpoint's weights as a safetensors file with torchvision's names and layouts. */
import { basename, join } from 'node:path'
import { commitFile } from '../checkpoint/commit.ts'
import { loadClasses } from '../checkpoint/load.ts'
import type { Manifest } from '../checkpoint/manifest.ts'
import { readManifest } from '../checkpoint/read-manifest.ts'
import { type DeclaredTensor, encodeHeader } from '../checkpoint/safetensors-header.ts'
import { type ExportPlan, type ExportWishes, planExport } from './export-plan.ts'
import { encodeMetadata } from './metadata.ts'
import { assertFree, writeOutput } from './output.ts'
import { ShardFiles } from './shard-files.ts'
import { counterNames, toTorch } from './torch-tensors.ts'

export interface ExportOptions extends ExportWishes {
  /** A checkpoint: a folder with a manifest. */
  readonly folder: string
  readonly out: string
  readonly onProgress?: (done: number, total: number) => void
  readonly signal?: AbortSignal
}

export interface Exported extends ExportPlan {
  readonly bytes: number
}

/**
 * Holds one tensor at a time. Leaves nothing behind when it fails or is interrupted.
 * @throws DownpourError CHECKPOINT_…, EXPORT_…, OUTPUT_…; AbortError
 */
export async function exportCheckpoint(options: ExportOptions): Promise<Exported> {
  const { folder, out, signal } = options
  const { manifest, digest } = await readManifest(folder)
  const plan = planExport(folder, manifest, options)
  await assertFree(out)
  const classes = plan.classCount === undefined ? undefined : (await loadClasses(folder, manifest))?.classes
  const { namespace, name, kind } = manifest.job
  const source = { digest, step: manifest.step, job: `${kind} ${[namespace, name].filter(Boolean).join('/')}` }
  const head = encodeHeader(declared(plan), encodeMetadata({ ...plan, classes }, source))
  await using shards = await ShardFiles.open(folder, manifest, signal)
  let bytes = 0
  await writeOutput(out, async (temporary) => {
    const path = join(temporary, basename(out))
    const committed = await commitFile(path, parts(head, { plan, manifest, shards, options }))
    bytes = committed.bytes
    return path
  })
  return { ...plan, bytes }
}

/** The counters are first, because eight-byte numbers then start at a multiple of eight. */
function declared({ tensors }: ExportPlan): DeclaredTensor[] {
  return [
    ...counterNames(tensors).map((name) => ({ name, dtype: 'I64' as const, shape: [] })),
    ...tensors.map(({ name, shape }) => ({ name, dtype: 'F32' as const, shape })),
  ]
}

interface Work {
  readonly plan: ExportPlan
  readonly manifest: Manifest
  readonly shards: ShardFiles
  readonly options: ExportOptions
}

async function* parts(head: Uint8Array, { plan, manifest, shards, options }: Work): AsyncGenerator<Uint8Array> {
  yield head
  const counters = new BigInt64Array(counterNames(plan.tensors).length).fill(BigInt(manifest.step))
  yield new Uint8Array(counters.buffer)
  for (const [i, { variables }] of plan.tensors.entries()) {
    for (const variable of variables) {
      options.signal?.throwIfAborted()
      const values = toTorch(await shards.read(variable), variable.shape)
      yield new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
    }
    options.onProgress?.(i + 1, plan.tensors.length)
  }
}
