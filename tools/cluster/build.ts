/** Builds missing programs. A stamp identifies the inputs of each, so an interrupted build continues where it stopped. */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { sha256Of } from '../../src/support/digest.ts'
import type { Binary } from './binaries.ts'
import { exec } from './exec.ts'
import { moduleHash } from './modules.ts'
import { MODULES, STAMPS } from './paths.ts'
import { ensureGo } from './prerequisites.ts'
import { step } from './say.ts'

/** Returns a digest of everything that a binary is built from: equal stamps mean equal programs. */
export function stampOf(binary: Binary): string {
  const inputs = [moduleHash(binary.folder), binary.package, binary.ldflags]
  return sha256Of(inputs.join('\n')).slice(0, 16)
}

export function isBuilt(binary: Binary): boolean {
  return existsSync(binary.file) && readStamp(binary.folder, binary.name) === stampOf(binary)
}

export async function build(binaries: readonly Binary[], signal?: AbortSignal): Promise<void> {
  for (const binary of binaries.filter((each) => !isBuilt(each))) {
    await ensureGo(signal)
    await step(`building ${binary.name} ${binary.version}`, () => buildOne(binary, signal))
  }
}

async function buildOne(binary: Binary, signal?: AbortSignal): Promise<void> {
  mkdirSync(dirname(binary.file), { recursive: true })
  const partial = `${binary.file}.partial`
  const args = ['build', '-trimpath', '-p', '2', '-ldflags', binary.ldflags, '-o', partial, binary.package]
  try {
    await exec('go', args, { cwd: join(MODULES, binary.folder), env: { CGO_ENABLED: '0', GOWORK: 'off' }, signal })
    // Renames, so that a running program keeps its file and a half-written one never has the final name.
    renameSync(partial, binary.file)
  } finally {
    rmSync(partial, { force: true })
  }
  writeStamp(binary.folder, binary.name, stampOf(binary))
}

export function readStamp(folder: string, name: string): string | undefined {
  const file = join(STAMPS, folder, name)
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined
}

export function writeStamp(folder: string, name: string, stamp: string): void {
  mkdirSync(join(STAMPS, folder), { recursive: true })
  writeFileSync(join(STAMPS, folder, name), stamp)
}
