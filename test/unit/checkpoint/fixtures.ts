/** Writes checkpoints as parameter servers do. */
import { join } from 'node:path'
import { commitFile, makeFolder } from '../../../src/checkpoint/commit.ts'
import { type FileSystem, realFileSystem } from '../../../src/checkpoint/file-system.ts'
import { encodeManifest, MANIFEST_FILE, type Manifest } from '../../../src/checkpoint/manifest.ts'
import { encodeSafetensors } from '../../../src/checkpoint/safetensors.ts'
import { checkpointFolder } from '../../../src/contract/files.ts'
import { storedVariable } from '../../../src/support/variables.ts'
import { makeLayout } from '../../../src/wire/layout.ts'
import { variable } from '../ps/fixtures.ts'

const layout = makeLayout([variable('a', 3), variable('b', 2)])

/** Writes two shards, then the manifest. Every weight is the step, every optimizer slot its negative. */
export async function writeCheckpoint(
  jobFolder: string,
  step: number,
  { fs = realFileSystem, ...more }: Partial<Manifest> & { fs?: FileSystem } = {},
): Promise<string> {
  const folder = join(jobFolder, checkpointFolder(step))
  await makeFolder(folder, fs)
  const shards: Manifest['shards'] = []
  for (const [index, { name, shape }] of layout.variables.entries()) {
    const file = `shard-0000${index}-of-00002.safetensors`
    const parts = encodeSafetensors([
      { tensors: [{ name, shape }], flat: new Float32Array(shape[0] ?? 0).fill(step) },
      { tensors: [{ name: `optimizer.momentum:${name}`, shape }], flat: new Float32Array(shape[0] ?? 0).fill(-step) },
    ])
    const committed = await commitFile(join(folder, file), parts, fs)
    shards.push({ index, file, ...committed, incarnation: 1, version: step, workers: [], superseded: [] })
  }
  const manifest: Manifest = {
    formatVersion: 1,
    step,
    final: false,
    savedAt: '2026-01-01T00:00:00.000Z',
    job: { kind: 'PretrainJob', namespace: 'default', name: 'tiny', uid: 'job-uid' },
    seed: 1,
    optimizer: 'momentum',
    layout: { hash: layout.hash, variables: layout.variables.map(storedVariable) },
    shards,
    leases: null,
    psIncarnation: 1,
    ...more,
  }
  await commitFile(join(folder, MANIFEST_FILE), [encodeManifest(manifest)], fs)
  return folder
}
