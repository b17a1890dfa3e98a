/** Writes tar files, by the tar program or member by member. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pack } from 'tar-stream'

export type Members = readonly (readonly [name: string, data: Uint8Array | string])[]

/** The bytes of a tar file, with members of any name in any order. */
export async function tarOf(members: Members): Promise<Buffer> {
  const stream = pack()
  for (const [name, data] of members) stream.entry({ name }, Buffer.from(data))
  stream.finalize()
  const parts: Buffer[] = []
  for await (const part of stream) parts.push(part as Buffer)
  return Buffer.concat(parts)
}

/** The bytes that the tar program writes in a format of its own. */
export async function tarByProgram(root: string, members: Members, options: readonly string[]): Promise<Buffer> {
  const folder = mkdtempSync(join(root, 'tar-'))
  for (const [name, data] of members) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), data)
  }
  const bytes = execFileSync('tar', ['--sort=name', ...options, '-cf', '-', '-C', folder, '.'], { maxBuffer: 1 << 28 })
  rmSync(folder, { recursive: true })
  return bytes
}

/** Writes shards and labels.json. */
export async function writeTars(folder: string, shards: Readonly<Record<string, Uint8Array>>, labels: unknown) {
  await writeFile(join(folder, 'labels.json'), JSON.stringify(labels))
  for (const [name, bytes] of Object.entries(shards)) await writeFile(join(folder, name), bytes)
  return { path: '.', format: 'webdataset', maxCorruptRecords: 0 } as const
}
