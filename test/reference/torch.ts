/**
 * PyTorch as a reference. Debian's packages are used, since those of PyPI take gigabytes; safetensors is from PyPI. Only
 * `npm run test:torch` installs the packages of Debian.
 */
import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { cacheRoot } from '../../src/support/cache-root.mjs'
import { errorMessage } from '../../src/support/errors.ts'
import { exec } from '../../tools/cluster/exec.ts'

/** Debian's own Python, which alone sees packages of Debian. */
const PYTHON = '/usr/bin/python3'
const DEBIAN = ['python3-torch', 'python3-torchvision']
const SAFETENSORS = 'safetensors==0.8.0'
const SCRIPT = join(import.meta.dirname, 'resnet.py')

/** True in `npm run test:torch`. */
export const isTorchRequested = process.env.DOWNPOUR_INSTALL_TORCH === '1'

/** @returns a function that runs resnet.py, or the reason why it cannot run */
export async function findTorch(): Promise<((args: readonly string[]) => Promise<unknown>) | string> {
  if (isTorchRequested) await install()
  try {
    await exec(PYTHON, ['-c', 'import torch, torchvision'])
  } catch (error) {
    const reason = errorMessage(error).split('\n').at(-1)
    return `${PYTHON} has no torch and torchvision (${reason}); npm run test:torch installs ${DEBIAN.join(' and ')}`
  }
  const packages = await safetensors()
  return async (args) => {
    const output = await exec(PYTHON, [SCRIPT, ...args], { env: { PYTHONPATH: packages } })
    return JSON.parse(output)
  }
}

async function install(): Promise<void> {
  const env = { DEBIAN_FRONTEND: 'noninteractive' }
  await exec('apt-get', ['update'], { env })
  await exec('apt-get', ['install', '--yes', '--no-install-recommends', ...DEBIAN], { env, isShown: true })
}

/** A folder with the package, which works with any Python 3. */
async function safetensors(): Promise<string> {
  const folder = join(cacheRoot(process.env), SAFETENSORS.replace('==', '-'))
  if (existsSync(join(folder, 'safetensors'))) return folder
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  await exec('python3', ['-m', 'pip', 'install', '--quiet', '--no-deps', '--target', folder, SAFETENSORS])
  return folder
}
