/** Numbers that test/reference/resnet.py computes as well, so that results of PyTorch can be kept without its weights. */

/** Below 2**32. */
export function hashed(i: number, seed: number): number {
  let x = (Math.imul(i, 0x9e3779b1) + seed) >>> 0
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d) >>> 0
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b) >>> 0
  return (x ^ (x >>> 16)) >>> 0
}

/** @param shape as in torchvision */
export function hashedValues(name: string, shape: readonly number[], seed: number): Float32Array {
  const size = shape.reduce((product, axis) => product * axis, 1)
  const { scale, shift } = rangeOf(name, shape)
  const values = new Float32Array(size)
  for (let i = 0; i < size; i++) values[i] = scale(hashed(i, seed) / 2 ** 32) + shift
  return values
}

function rangeOf(name: string, shape: readonly number[]): { scale: (share: number) => number; shift: number } {
  if (shape.length === 4) {
    const [, ...fanIn] = shape
    const bound = Math.sqrt(6 / fanIn.reduce((product, axis) => product * axis, 1))
    return { scale: (share) => (2 * share - 1) * bound, shift: 0 }
  }
  if (name === 'fc.weight') return { scale: (share) => (2 * share - 1) * 0.05, shift: 0 }
  if (name.endsWith('running_var')) return { scale: (share) => share, shift: 0.5 }
  if (name.endsWith('weight')) return { scale: (share) => 0.5 * share, shift: 0.25 }
  return { scale: (share) => 0.4 * (share - 0.5), shift: 0 }
}

/** Height × width × RGB. */
export function hashedPixels(height: number, width: number, image: number): Uint8Array {
  return Uint8Array.from({ length: height * width * 3 }, (_, i) => hashed(i, 1_000_000 + image) >>> 24)
}
