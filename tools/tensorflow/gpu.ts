/** What the set-up with `--gpu` does besides: it checks CUDA's libraries, and says whether TensorFlow computes on a GPU. */
import { readdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { DownpourError, errorMessage } from '../../src/support/errors.ts'
import { exec } from '../cluster/exec.ts'

const LOAD = 'import ctypes, sys; [ctypes.CDLL(path) for path in sys.argv[1:]]'

/** The devices that NVIDIA's driver makes. */
export function visibleGpus(devices = '/dev'): string[] {
  return readdirSync(devices).filter((name) => /^nvidia\d+$/.test(name))
}

/** cuDNN looks for nvrtc in a folder of this name, but its wheel has another one. */
export function linkNvrtc(nvidia: string): void {
  symlinkSync('cuda_nvrtc', join(nvidia, 'nvrtc'))
}

/**
 * Loads every library, which needs no driver: TensorFlow goes on with the CPU where one is missing, and says little.
 * @throws DownpourError TENSORFLOW_UNUSABLE which library lacks what
 */
export async function checkCuda(nvidia: string, signal: AbortSignal): Promise<void> {
  const files = readdirSync(nvidia).flatMap((one) => {
    const folder = join(nvidia, one, 'lib')
    return readdirSync(folder)
      .filter((name) => /\.so\.\d/.test(name))
      .map((name) => join(folder, name))
  })
  try {
    await exec('python3', ['-c', LOAD, ...files], { signal })
  } catch (error) {
    signal.throwIfAborted()
    const message = `CUDA's libraries do not load on this machine (${errorMessage(error)})`
    const advice = 'install what is missing, or set TensorFlow up without --gpu'
    throw new DownpourError('TENSORFLOW_UNUSABLE', `${message}: ${advice}`, {}, { cause: error })
  }
}

/** @param usesGpu whether TensorFlow computes on a GPU here */
export function gpuText(gpus: readonly string[], usesGpu: boolean): string {
  if (usesGpu) return `TensorFlow computes on the GPU here (${gpus.join(', ')})`
  if (gpus.length > 0) {
    const advice =
      "its driver must support CUDA 12.5, and libcuda.so.1 must be there: `nvidia-smi` shows the driver's version"
    return `there is a GPU (${gpus.join(', ')}), but TensorFlow computes on the CPU: ${advice}`
  }
  const later = "with a GPU and NVIDIA's driver, jobs use it without another set-up"
  return `no GPU is visible here (there is no /dev/nvidia0), so TensorFlow computes on the CPU: ${later}`
}
