/** The shard files of a checkpoint, of which one variable is in memory at a time. */
import { join } from 'node:path'
import { allFinite } from '../checkpoint/contents.ts'
import type { Manifest, ShardRecord } from '../checkpoint/manifest.ts'
import { DownpourError, errorCode, errorMessage } from '../support/errors.ts'
import type { VariableSpec } from '../support/variables.ts'
import { TensorFile } from './tensor-file.ts'

export class ShardFiles implements AsyncDisposable {
  readonly #files: TensorFile[] = []
  readonly #folder: string

  private constructor(folder: string) {
    this.#folder = folder
  }

  /**
   * Reads every byte once, to compare it with the manifest.
   * @throws DownpourError CHECKPOINT_TORN, CHECKPOINT_CORRUPT; AbortError
   */
  static async open(folder: string, { shards }: Manifest, signal?: AbortSignal): Promise<ShardFiles> {
    const opened = new ShardFiles(folder)
    try {
      for (const record of shards) opened.#files.push(await openVerified(folder, record, signal))
      return opened
    } catch (error) {
      await opened[Symbol.asyncDispose]()
      throw error
    }
  }

  /** @throws DownpourError CHECKPOINT_CORRUPT: the variable is in no shard, of another shape, or not finite */
  async read({ name, shape }: Pick<VariableSpec, 'name' | 'shape'>): Promise<Float32Array> {
    const file = this.#files.find(({ header }) => header.entries.has(name))
    if (!file) throw damaged(this.#folder, `no shard contains '${name}'`)
    const found = file.header.entries.get(name)?.shape
    if (String(found) !== String(shape))
      throw damaged(file.path, `tensor '${name}' has shape [${found}], the layout [${shape}]`)
    const values = await file.floats(name)
    if (allFinite(values)) return values
    throw damaged(file.path, `tensor '${name}' has values that are not finite`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#files.map((file) => file[Symbol.asyncDispose]()))
  }
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
