/** Recognises files of weights in other formats by their first bytes, to say how to convert them. */
const WITH_TORCH = `convert it with Python: import torch; from safetensors.torch import save_file; weights = torch.load('FILE', map_location='cpu'); save_file({name: tensor.contiguous() for name, tensor in weights.items()}, 'FILE.safetensors')`

const FORMATS: readonly { readonly start: readonly number[]; readonly is: string }[] = [
  { start: [0x50, 0x4b, 0x03, 0x04], is: `a zip archive, as torch.save writes it; ${WITH_TORCH}` },
  { start: [0x80, 0x02, 0x8a, 0x0a], is: `a file of an old torch.save; ${WITH_TORCH}` },
  { start: [0x80], is: `a pickle of Python; ${WITH_TORCH}` },
  { start: [0x89, 0x48, 0x44, 0x46], is: 'an HDF5 file, as Keras writes it; expected a safetensors file' },
  { start: [0x93, 0x4e, 0x55, 0x4d], is: 'an array of NumPy; expected a safetensors file' },
  { start: [0x1f, 0x8b], is: 'compressed with gzip; unpack it first' },
  { start: [0x47, 0x47, 0x55, 0x46], is: 'a GGUF file; expected a safetensors file' },
  { start: [...Buffer.from('version ')], is: 'a pointer of Git LFS and not the file itself; run git lfs pull' },
]

/**
 * @param start the first bytes of a file
 * @returns what the file is, and what to do; undefined: no format of this list
 */
export function otherFormat(start: Uint8Array): string | undefined {
  const known = FORMATS.find((format) => format.start.every((byte, i) => start[i] === byte))
  return known?.is ?? (isText(start) ? 'a text file; expected a safetensors file' : undefined)
}

/** The eighth byte of a safetensors file is 0, or its header would be larger than any disk. */
function isText(start: Uint8Array): boolean {
  return start.length > 0 && start.every((byte) => (byte >= 0x20 && byte < 0x7f) || (byte >= 0x09 && byte <= 0x0d))
}
