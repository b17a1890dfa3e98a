/** File systems with faults: one fails or dies at its n-th call, one loses what was never synced. */
import type { FileHandle } from 'node:fs/promises'
import { truncate } from 'node:fs/promises'
import { type FileSystem, realFileSystem } from '../../../src/checkpoint/file-system.ts'

/** What a call does instead of its work. `kill`: no later call has an effect either, as if the process had died. */
export type Fault = 'ENOSPC' | 'EIO' | 'kill'

export interface FaultyFs {
  fs: FileSystem
  /** Names of the calls so far, in order: `open`, `write`, `stat`, `sync`, `rename` and others. */
  calls: string[]
}

type Write = (bytes: Uint8Array, at: number, length: number, position: number) => ReturnType<FileHandle['write']>

const FILE_CALLS = ['write', 'datasync', 'sync', 'stat', 'read', 'close'] as const
const FS_CALLS = ['open', 'rename', 'unlink', 'mkdir', 'readdir', 'readFile', 'stat', 'rm'] as const

/** @param at the index of the failing call; infinity for no fault */
export function failingFs(at: number, fault: Fault = 'EIO'): FaultyFs {
  const calls: string[] = []
  let dead = false
  const guard = <T>(name: string, call: () => T): T | Promise<never> => {
    const isTheOne = calls.length === at
    calls.push(name)
    if (isTheOne && fault === 'kill') dead = true
    // The kernel closes the descriptors of a dead process; the test has to close them itself.
    if ((isTheOne || dead) && name !== 'close') return Promise.reject(nodeError(dead ? 'KILLED' : fault))
    return call()
  }
  const fs = wrap(realFileSystem, FS_CALLS, guard)
  const open = fs.open
  fs.open = async (...args) => wrap(await open(...args), FILE_CALLS, guard)
  return { fs, calls }
}

/** Each write call takes at most `bytes`. */
export function shortWritingFs(bytes: number): FileSystem {
  return withFile((file) => {
    const write = file.write.bind(file) as Write
    const short: Write = (buffer, at, length, position) => write(buffer, at, Math.min(length, bytes), position)
    return Object.assign(file, { write: short })
  })
}

/** The disk reports a full write and keeps half of it; only the size of the file shows that. */
export function lyingFs(): FileSystem {
  return withFile((file) => {
    const write = file.write.bind(file) as Write
    const lie = async (...[buffer, at, length, position]: Parameters<Write>) => {
      await write(buffer, at, length >> 1, position)
      return { bytesWritten: length, buffer }
    }
    return Object.assign(file, { write: lie })
  })
}

/** Files that were never synced lose their content when `powerCut` is called. */
export function forgetfulFs(): { fs: FileSystem; powerCut(): Promise<void> } {
  const unsynced = new Set<string>()
  const fs: FileSystem = { ...realFileSystem }
  fs.open = async (path, flags) => {
    const file = await realFileSystem.open(path, flags)
    if (flags !== 'w') return file
    unsynced.add(String(path))
    const sync = file.sync.bind(file)
    return Object.assign(file, {
      async sync() {
        await sync()
        unsynced.delete(String(path))
      },
    })
  }
  fs.rename = async (from, to) => {
    await realFileSystem.rename(from, to)
    if (unsynced.delete(String(from))) unsynced.add(String(to))
  }
  const powerCut = async () => {
    for (const path of unsynced) await truncate(path).catch(() => {})
  }
  return { fs, powerCut }
}

function withFile(change: (file: FileHandle) => FileHandle): FileSystem {
  return { ...realFileSystem, open: async (...args) => change(await realFileSystem.open(...args)) }
}

function wrap<T extends object, K extends keyof T & string>(
  target: T,
  names: readonly K[],
  guard: (name: string, call: () => unknown) => unknown,
): T {
  const wrapped = Object.create(target) as Record<string, unknown>
  for (const name of names) {
    const method = target[name]
    if (typeof method === 'function')
      wrapped[name] = (...args: unknown[]) => guard(name, () => method.apply(target, args))
  }
  return wrapped as T
}

function nodeError(code: string): Error {
  return Object.assign(new Error(`${code}: injected`), { code })
}
