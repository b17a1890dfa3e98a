/** What the set-up of TensorFlow needs of the machine; checked first, because the download takes long. */
import { statfsSync } from 'node:fs'
import { DownpourError } from '../../src/support/errors.ts'
import type { Variant } from '../../src/tensor/tensorflow.ts'
import { exec } from '../cluster/exec.ts'

/** The wheels beside what is unpacked of them. */
const NEEDED_BYTES: Readonly<Record<Variant, number>> = { cpu: 1.1e9, gpu: 6.5e9 }
const PROGRAMS = [
  { name: 'python3 with pip', command: 'python3', args: ['-m', 'pip', '--version'], packages: 'python3 python3-pip' },
  { name: 'g++', command: 'g++', args: ['--version'], packages: 'g++' },
] as const

export function needMachine(platform: string = process.platform, arch: string = process.arch): void {
  if (platform === 'linux' && arch === 'x64') return
  const message = `TensorFlow's package for Python has its C library for linux-x64, not for ${platform}-${arch}`
  throw new DownpourError('UNSUPPORTED_MACHINE', `${message}; jobs go on with WASM`, { platform, arch })
}

export async function needPrograms(signal?: AbortSignal): Promise<void> {
  for (const { name, command, args, packages } of PROGRAMS) {
    try {
      await exec(command, args, { signal })
    } catch (error) {
      signal?.throwIfAborted()
      const message = `${name} is missing: install it (Debian: apt-get install ${packages}) and run again`
      throw new DownpourError('MISSING_PREREQUISITE', message, { command }, { cause: error })
    }
  }
}

export function needSpace(folder: string, variant: Variant): void {
  const neededBytes = NEEDED_BYTES[variant]
  const { bavail, bsize } = statfsSync(folder)
  const freeBytes = bavail * bsize
  if (freeBytes >= neededBytes) return
  const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`
  const message = `${gigabytes(freeBytes)} of disk are free in ${folder} and ${gigabytes(neededBytes)} are needed`
  throw new DownpourError('DISK_FULL', `${message}: make room, or name another folder by DOWNPOUR_CACHE`, { freeBytes })
}
