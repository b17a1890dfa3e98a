/**
 * The C library of TensorFlow and its headers, and for GPUs those of CUDA, from Python wheels of PyPI: no other registry has
 * a recent one.
 */
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { DownpourError } from '../../src/support/errors.ts'
import { LIBRARIES, TENSORFLOW_VERSION, type Variant } from '../../src/tensor/tensorflow.ts'
import { exec } from '../cluster/exec.ts'

const PACKAGE = `tensorflow-cpu==${TENSORFLOW_VERSION}`
export const GPU_REQUIREMENTS = fileURLToPath(new URL('gpu-requirements.txt', import.meta.url))
const WANTED: Readonly<Record<Variant, { name: string; words: readonly string[] }>> = {
  cpu: { name: PACKAGE, words: [PACKAGE] },
  gpu: {
    name: `tensorflow==${TENSORFLOW_VERSION} with CUDA`,
    words: ['--require-hashes', '--requirement', GPU_REQUIREMENTS],
  },
}
/** The library is the same for every Python, so the wheel of one Python serves machines with any. */
const PYTHON = ['--python-version', '3.11', '--implementation', 'cp', '--abi', 'cp311']
const PLATFORMS = ['manylinux_2_17_x86_64', 'manylinux2014_x86_64', 'manylinux1_x86_64']
const PLATFORM = [...PLATFORMS.flatMap((name) => ['--platform', name]), '--only-binary', ':all:']
const UNPACK = `
import glob, re, sys, zipfile
wanted, folder = sys.argv[1:]
for wheel in glob.glob(folder + '/*.whl'):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder, [name for name in archive.namelist() if re.match(wanted, name)])
`
/** In wheels: TensorFlow's libraries and headers, and CUDA's libraries. */
const UNPACKED = ['tensorflow/include/', ...LIBRARIES.map((name) => `tensorflow/${name}$`), 'nvidia/[^/]+/lib/']

/** Downloads the wheels into `folder`. pip shows its own progress. */
export async function downloadWheels(folder: string, variant: Variant, signal?: AbortSignal): Promise<void> {
  const { name, words: wanted } = WANTED[variant]
  const words = ['-m', 'pip', 'download', '--no-deps', '--no-cache-dir', '--dest', folder, ...PYTHON, ...PLATFORM]
  // pip writes the wheel to the folder for temporary files first, which may be small.
  const options = { env: { TMPDIR: folder, PIP_DISABLE_PIP_VERSION_CHECK: '1' }, isShown: true, signal }
  try {
    await exec('python3', [...words, ...wanted], options)
  } catch (error) {
    signal?.throwIfAborted()
    const advice = 'pip says why above; check the network and `python3 -m pip config list`, and run again'
    throw new DownpourError('WHEEL_UNAVAILABLE', `pip cannot download ${name}: ${advice}`, {}, { cause: error })
  }
}

/** Unpacks the libraries and headers of the wheels in `folder` into `folder/tensorflow` and `folder/nvidia`. */
export async function unpackWheels(folder: string, signal?: AbortSignal): Promise<void> {
  if (!readdirSync(folder).some((name) => name.endsWith('.whl')))
    throw new DownpourError('WHEEL_UNAVAILABLE', `pip left no wheel in ${folder}`)
  await exec('python3', ['-c', UNPACK, UNPACKED.join('|'), folder], { signal })
}

// `node tools/tensorflow/wheel.ts FOLDER`, for the images.
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , folder = 'wheel'] = process.argv
  await downloadWheels(folder, 'cpu')
  await unpackWheels(folder)
}
