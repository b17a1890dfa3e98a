/** The shard files of a checkpoint, of which one variable is in memory at a time. */
import { join } from 'node:path'
import { allFinite } from '../checkpoint/contents.ts'
import type { Manifest, ShardRecord } from '../checkpoint/manifest.ts'
import { areComplete, StoredNames, type StoredTensor, tensorOf } from '../checkpoint/stored-names.ts'
import { DownpourError, errorCode, errorMessage } from '../support/errors.ts'
import { sizeOf, type VariableSpec } from '../support/variables.ts'
import { TensorFile } from './tensor-file.ts'

/** A variable or a part of one, in a file. */
interface Found extends StoredTensor {
  readonly file: TensorFile
  readonly tensorName: string
}

export class ShardFiles implements AsyncDisposable {
  readonly #files: TensorFile[] = []
  /** Weights by the name of the variable. */
  readonly #found = new Map<string, Found[]>()
  readonly #folder: string
  readonly #names: StoredNames

  private constructor(folder: string, { layout }: Manifest) {
    this.#folder = folder
    this.#names = new StoredNames(layout.variables)
  }

  /**
   * Reads every byte once, to compare it with the manifest.
   * @throws DownpourError CHECKPOINT_TORN, CHECKPOINT_CORRUPT; AbortError
   */
  static async open(folder: string, manifest: Manifest, signal?: AbortSignal): Promise<ShardFiles> {
    const opened = new ShardFiles(folder, manifest)
    try {
      for (const record of manifest.shards) opened.#add(await openVerified(folder, record, signal))
      return opened
    } catch (error) {
      await opened[Symbol.asyncDispose]()
      throw error
    }
  }

  /** @throws DownpourError CHECKPOINT_CORRUPT: the variable is in no shard, of another shape, or not finite */
  async read({ name, shape }: Pick<VariableSpec, 'name' | 'shape'>): Promise<Float32Array> {
    const found = this.#found.get(name) ?? []
    if (!areComplete(found, sizeOf(shape))) throw damaged(this.#folder, `no shard contains all of '${name}'`)
    const [first] = found
    if (first?.isWhole) return readTensor(first, shape)
    const whole = new Float32Array(sizeOf(shape))
    for (const part of found) whole.set(await readTensor(part, tensorOf({ ...part, name, shape }).shape), part.start)
    return whole
  }

  #add(file: TensorFile): void {
    this.#files.push(file)
    for (const tensorName of file.header.entries.keys()) {
      const stored = this.#names.find(tensorName)
      if (!stored || stored.slot !== undefined) continue
      const { name } = stored.variable
      this.#found.set(name, [...(this.#found.get(name) ?? []), { ...stored, file, tensorName }])
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#files.map((file) => file[Symbol.asyncDispose]()))
  }
}

async function readTensor({ file, tensorName }: Found, expected: readonly number[]): Promise<Float32Array> {
  const shape = file.header.entries.get(tensorName)?.shape
  if (String(shape) !== String(expected))
    throw damaged(file.path, `tensor '${tensorName}' has shape [${shape}], the layout [${expected}]`)
  const values = await file.floats(tensorName)
  if (allFinite(values)) return values
  throw damaged(file.path, `tensor '${tensorName}' has values that are not finite`)
}

async function openVerified(folder: string, record: ShardRecord, signal?: AbortSignal): Promise<TensorFile> {
  const path = join(folder, record.file)
  const file = await TensorFile.open(path).catch((cause) => {
    const code = errorCode(cause) === 'FILE_UNREADABLE' ? 'CHECKPOINT_TORN' : 'CHECKPOINT_CORRUPT'
    throw new DownpourError(code, errorMessage(cause), { path }, { cause })
  })
  try {
    if (file.bytes !== record.bytes) {
      const message = `${path} has ${file.bytes} bytes, the manifest says ${record.bytes}`
      throw new DownpourError('CHECKPOINT_TORN', message, { path })
    }
    if ((await file.sha256(signal)) !== record.sha256) throw damaged(path, "its sha256 differs from the manifest's")
    return file
  } catch (error) {
    await file[Symbol.asyncDispose]()
    throw error
  }
}

function damaged(path: string, reason: string): DownpourError {
  return new DownpourError('CHECKPOINT_CORRUPT', `${path} is damaged: ${reason}`, { path })
}
