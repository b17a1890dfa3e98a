/** Reads a checkpoint. Every byte is verified against the manifest before any is used. */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { type Class, type ClassList, decodeClasses } from '../contract/classes.ts'
import { DownpourError, errorCode, errorMessage } from '../support/errors.ts'
import { sizeOf } from '../support/variables.ts'
import { Contents } from './contents.ts'
import { unreadable } from './damage.ts'
import { type FileSystem, READ, realFileSystem } from './file-system.ts'
import type { ClassesRecord, Manifest, ShardRecord } from './manifest.ts'
import { readManifest } from './read-manifest.ts'
import { decodeSafetensors, type Tensor } from './safetensors.ts'
import type { StoredTensor } from './stored-names.ts'

export interface LoadedCheckpoint {
  manifest: Manifest
  /** sha256 of manifest.json, hex. */
  digest: string
  /** By variable name, merged over all shards: a variable that is cut into parts is whole here. */
  variables: Map<string, Tensor>
  /** Optimizer state: slot ('rms', 'momentum') → variable name → values. Empty unless asked for. */
  slots: Map<string, Map<string, Tensor>>
}

export interface LoadOptions {
  /** sha256 of the manifest, hex; a checkpoint with another one is refused. */
  expectDigest?: string
  /** Keep only these variables. */
  only?: ReadonlySet<string>
  /** Also read the state of the optimizer. */
  slots?: boolean
  fs?: FileSystem
}

const READ_BYTES = 16 << 20
/** Errors of a path that a retry does not change. */
const NOT_THERE: Readonly<Record<string, string>> = {
  ENOENT: 'is missing',
  ELOOP: 'is a link that refers to itself',
  ENXIO: 'is not a regular file (a socket)',
}

/** @throws DownpourError CHECKPOINT_NO_MANIFEST | _BAD_MANIFEST | _WRONG_DIGEST | _TORN | _CORRUPT | _UNREADABLE */
export async function loadCheckpoint(folder: string, options: LoadOptions = {}): Promise<LoadedCheckpoint> {
  const fs = options.fs ?? realFileSystem
  const { manifest, digest } = await readManifest(folder, fs)
  if (options.expectDigest && options.expectDigest !== digest)
    throw new DownpourError(
      'CHECKPOINT_WRONG_DIGEST',
      `${folder} is not the chosen checkpoint: manifest ${digest}, expected ${options.expectDigest}`,
      { folder, digest, expected: options.expectDigest },
    )
  const loaded: LoadedCheckpoint = { manifest, digest, variables: new Map(), slots: new Map() }
  const contents = new Contents(manifest)
  for (const record of manifest.shards)
    for (const { stored, tensor } of await readShard(folder, record, contents, fs))
      keep(loaded, stored, tensor, options)
  contents.finish(folder)
  return loaded
}

function keep(loaded: LoadedCheckpoint, stored: StoredTensor, tensor: Tensor, { only, slots }: LoadOptions): void {
  const { variable, slot } = stored
  if (only && !only.has(variable.name)) return
  if (slot === undefined) put(loaded.variables, stored, tensor)
  else if (slots) {
    const ofSlot = loaded.slots.get(slot) ?? new Map()
    loaded.slots.set(slot, ofSlot)
    put(ofSlot, stored, tensor)
  }
}

function put(into: Map<string, Tensor>, { variable, start, isWhole }: StoredTensor, tensor: Tensor): void {
  const { name, shape } = variable
  const whole = isWhole ? tensor : (into.get(name) ?? { shape, data: new Float32Array(sizeOf(shape)) })
  if (!isWhole) whole.data.set(tensor.data, start)
  into.set(name, whole)
}

/** Verifies every file of a checkpoint and keeps nothing. @throws as loadCheckpoint */
export async function verifyCheckpoint(
  folder: string,
  fs: FileSystem = realFileSystem,
): Promise<{ manifest: Manifest; digest: string }> {
  const read = await readManifest(folder, fs)
  const contents = new Contents(read.manifest)
  for (const record of read.manifest.shards) await readShard(folder, record, contents, fs)
  contents.finish(folder)
  await loadClasses(folder, read.manifest, fs)
  return read
}

async function readShard(
  folder: string,
  record: ShardRecord,
  contents: Contents,
  fs: FileSystem,
): Promise<ReturnType<Contents['add']>> {
  const bytes = await readVerified(folder, record, fs)
  const path = join(folder, record.file)
  return contents.add(path, decoded(bytes, path))
}

function decoded(bytes: ArrayBuffer, path: string): Map<string, Tensor> {
  try {
    return decodeSafetensors(bytes)
  } catch (cause) {
    throw new DownpourError('CHECKPOINT_CORRUPT', `${path} is ${errorMessage(cause)}`, { path }, { cause })
  }
}

/** Undefined for a checkpoint of an older version, which contains no list. @throws as loadCheckpoint */
export async function loadClasses(
  folder: string,
  { classes }: Pick<Manifest, 'classes'>,
  fs: FileSystem = realFileSystem,
): Promise<{ list: ClassList; classes: Class[] } | undefined> {
  if (!classes) return undefined
  const { count, sha256, file } = classes
  const path = join(folder, file)
  const bytes = new Uint8Array(await readVerified(folder, classes, fs))
  try {
    return { list: { count, sha256, bytes }, classes: decodeClasses(bytes, classes, path) }
  } catch (cause) {
    throw new DownpourError('CHECKPOINT_CORRUPT', errorMessage(cause), { path }, { cause })
  }
}

async function readVerified(folder: string, record: ShardRecord | ClassesRecord, fs: FileSystem): Promise<ArrayBuffer> {
  const path = join(folder, record.file)
  const torn = (reason: string, cause?: unknown) =>
    new DownpourError('CHECKPOINT_TORN', `${path} ${reason}`, { path, ...record, workers: undefined }, { cause })
  const file = await fs.open(path, READ).catch((cause) => {
    const reason = NOT_THERE[errorCode(cause)]
    throw reason ? torn(reason, cause) : unreadable(path, cause)
  })
  try {
    const found = await file.stat()
    if (!found.isFile()) throw torn('is not a regular file (a folder, pipe or device)')
    const { size } = found
    if (size !== record.bytes) throw torn(`has ${size} bytes, the manifest says ${record.bytes}`)
    const bytes = new Uint8Array(size)
    const hash = createHash('sha256')
    for (let at = 0; at < size; ) {
      const { bytesRead } = await file.read(bytes, at, Math.min(READ_BYTES, size - at), at)
      if (bytesRead === 0) throw torn(`ends at byte ${at} of ${size}`)
      hash.update(bytes.subarray(at, at + bytesRead))
      at += bytesRead
    }
    if (hash.digest('hex') === record.sha256) return bytes.buffer
    throw new DownpourError('CHECKPOINT_CORRUPT', `${path} is damaged: its sha256 differs from the manifest's`, {
      path,
    })
  } catch (error) {
    throw unreadable(path, error)
  } finally {
    await file.close()
  }
}
