/** The C library of TensorFlow and its headers, from the Python wheel of PyPI: no other registry has a recent one. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DownpourError } from '../../src/support/errors.ts'
import { LIBRARIES, TENSORFLOW_VERSION } from '../../src/tensor/tensorflow.ts'
import { exec } from '../cluster/exec.ts'

const PACKAGE = `tensorflow-cpu==${TENSORFLOW_VERSION}`
/** The library is the same for every Python, so the wheel of one Python serves machines with any. */
const PYTHON = ['--python-version', '3.11', '--implementation', 'cp', '--abi', 'cp311']
const PLATFORM = ['--platform', 'manylinux_2_17_x86_64', '--only-binary', ':all:']
const UNPACK = `
import sys, zipfile
wheel, target, prefix, *files = sys.argv[1:]
with zipfile.ZipFile(wheel) as archive:
    archive.extractall(target, [name for name in archive.namelist() if name.startswith(prefix) or name in files])
`

/** Downloads the wheel into `folder`. pip shows its own progress. */
export async function downloadWheel(folder: string, signal?: AbortSignal): Promise<void> {
  const words = ['-m', 'pip', 'download', '--no-deps', '--no-cache-dir', '--dest', folder, ...PYTHON, ...PLATFORM]
  // pip writes the wheel to the folder for temporary files first, which may be small.
  const options = { env: { TMPDIR: folder, PIP_DISABLE_PIP_VERSION_CHECK: '1' }, isShown: true, signal }
  try {
    await exec('python3', [...words, PACKAGE], options)
  } catch (error) {
    signal?.throwIfAborted()
    const advice = 'pip says why above; check the network and `python3 -m pip config list`, and run again'
    throw new DownpourError('WHEEL_UNAVAILABLE', `pip cannot download ${PACKAGE}: ${advice}`, {}, { cause: error })
  }
}

/** Unpacks the libraries and headers of the wheel in `folder` into `folder/tensorflow`. */
export async function unpackWheel(folder: string, signal?: AbortSignal): Promise<void> {
  const wheel = readdirSync(folder).find((name) => name.endsWith('.whl'))
  if (wheel === undefined) throw new DownpourError('WHEEL_UNAVAILABLE', `pip left no wheel of ${PACKAGE} in ${folder}`)
  const libraries = LIBRARIES.map((name) => `tensorflow/${name}`)
  await exec('python3', ['-c', UNPACK, join(folder, wheel), folder, 'tensorflow/include/', ...libraries], { signal })
}

// `node tools/tensorflow/wheel.ts FOLDER`, for the images.
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , folder = 'wheel'] = process.argv
  await downloadWheel(folder)
  await unpackWheel(folder)
}
