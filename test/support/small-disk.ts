/** A disk of a few pages, for tests that fill it. Only root can mount one. */
import { execFileSync } from 'node:child_process'
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'

export const CANNOT_MOUNT = process.getuid?.() === 0 ? false : 'only root can mount a small disk'

export interface SmallDisk {
  folder: string
  /** Fills the remaining space. */
  fill(): void
  /** Frees that space again. */
  free(): void
  grow(size: string): void
  unmount(): void
}

export function mountSmallDisk(folder: string, size: string): SmallDisk {
  mkdirSync(folder, { recursive: true })
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder])
  const filler = join(folder, 'filler')
  return {
    folder,
    fill() {
      const handle = openSync(filler, 'a')
      try {
        for (;;) writeSync(handle, Buffer.alloc(4096))
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
      } finally {
        closeSync(handle)
      }
    },
    free: () => rmSync(filler, { force: true }),
    grow: (newSize) => void execFileSync('mount', ['-o', `remount,size=${newSize}`, folder]),
    unmount: () => void execFileSync('umount', ['--lazy', folder]),
  }
}
