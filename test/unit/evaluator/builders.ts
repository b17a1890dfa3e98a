/** Writes committed checkpoints of one shard, as a parameter server does. */
import { createHash } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { encodeManifest, MANIFEST_FILE, type Manifest } from '../../../src/checkpoint/manifest.ts'
import { encodeSafetensors } from '../../../src/checkpoint/safetensors.ts'
import { type Class, encodeClasses } from '../../../src/contract/classes.ts'
import { checkpointFolder, FILES } from '../../../src/contract/files.ts'
import { sha256Of } from '../../../src/support/digest.ts'
import { sizeOf, storedVariable, type VariableSpec } from '../../../src/support/variables.ts'
import { type ModelLayout, makeLayout } from '../../../src/wire/layout.ts'
import { variable } from '../ps/fixtures.ts'

const SMALL = variable('w', 1)
const SHARD = 'shard-00000-of-00001.safetensors'

export interface WrittenCheckpoint {
  folder: string
  digest: string
}

export async function writeCheckpoint(
  jobFolder: string,
  step: number,
  {
    final = false,
    variables = [SMALL] as readonly VariableSpec[],
    values = new Map<string, Float32Array>(),
    classes = undefined as readonly Class[] | undefined,
    more = {} as Partial<Manifest>,
  } = {},
): Promise<WrittenCheckpoint> {
  const folder = join(jobFolder, checkpointFolder(step))
  await mkdir(folder, { recursive: true })
  const runs = variables.map(({ name, shape }) => ({
    tensors: [{ name, shape }],
    flat: values.get(name) ?? new Float32Array(sizeOf(shape)),
  }))
  const bytes = Buffer.concat(encodeSafetensors(runs))
  await writeFile(join(folder, SHARD), bytes)
  const list = classes && encodeClasses(classes)
  if (list) await writeFile(join(folder, FILES.classes), list.bytes)
  const record = list && { file: FILES.classes, bytes: list.bytes.length, count: list.count, sha256: list.sha256 }
  const facts = manifestOf(step, final, bytes, makeLayout(variables))
  const manifest = encodeManifest({ ...facts, ...more, ...(record ? { classes: record } : {}) })
  await writeFile(join(folder, MANIFEST_FILE), manifest)
  return { folder, digest: sha256Of(manifest) }
}

function manifestOf(step: number, final: boolean, shard: Buffer, layout: ModelLayout): Manifest {
  return {
    formatVersion: 1,
    step,
    final,
    savedAt: '2026-01-01T00:00:00.000Z',
    job: { kind: 'PretrainJob', namespace: 'default', name: 'mnist', uid: 'u' },
    seed: 0,
    optimizer: 'momentum',
    layout: { hash: layout.hash, variables: layout.variables.map(storedVariable) },
    shards: [
      {
        index: 0,
        file: SHARD,
        bytes: shard.length,
        sha256: createHash('sha256').update(shard).digest('hex'),
        incarnation: 1,
        version: step,
        workers: [],
        superseded: [],
      },
    ],
    leases: null,
    psIncarnation: 1,
  }
}
