/** A reference convolution in float64: n images of H×W pixels, ci and co channels, layouts NHWC and HWIO. */
export interface ConvCase {
  input: readonly [n: number, height: number, width: number, ci: number]
  filter: readonly [kh: number, kw: number, ci: number, co: number]
  strides: readonly [number, number]
  dilations?: readonly [number, number]
  pad: 'same' | 'valid' | readonly [top: number, bottom: number, left: number, right: number]
}

interface Axis {
  out: number
  before: number
}

function axisOf(size: number, kernel: number, stride: number, pad: ConvCase['pad'], at: 0 | 2): Axis {
  if (pad === 'valid') return { out: Math.floor((size - kernel) / stride) + 1, before: 0 }
  if (pad !== 'same') {
    const [before, after] = [pad[at], pad[at + 1] as number]
    return { out: Math.floor((size + before + after - kernel) / stride) + 1, before }
  }
  const out = Math.ceil(size / stride)
  return { out, before: Math.floor(Math.max(0, (out - 1) * stride + kernel - size) / 2) }
}

/** @returns the number of pixels from the first to the last that a dilated filter covers */
const span = (kernel: number, dilation: number) => (kernel - 1) * dilation + 1

export function outputShape({
  input,
  filter,
  strides,
  pad,
  dilations = [1, 1],
}: ConvCase): [number, number, number, number] {
  const rows = axisOf(input[1], span(filter[0], dilations[0]), strides[0], pad, 0)
  const columns = axisOf(input[2], span(filter[1], dilations[1]), strides[1], pad, 2)
  return [input[0], rows.out, columns.out, filter[3]]
}

/** @returns Σ conv(x, w) · weight. Linear in x and in w, so a finite difference of any step is exact. */
export function weightedConv(shape: ConvCase, x: ArrayLike<number>, w: ArrayLike<number>, weight: ArrayLike<number>) {
  const [n, height, width, ci] = shape.input
  const [kh, kw, , co] = shape.filter
  const { dilations = [1, 1] } = shape
  const rows = axisOf(height, span(kh, dilations[0]), shape.strides[0], shape.pad, 0)
  const columns = axisOf(width, span(kw, dilations[1]), shape.strides[1], shape.pad, 2)
  let sum = 0
  const eachTap = (image: number, oy: number, ox: number) => {
    const at = ((image * rows.out + oy) * columns.out + ox) * co
    for (let ky = 0; ky < kh; ky++) {
      const y = oy * shape.strides[0] + ky * dilations[0] - rows.before
      if (y < 0 || y >= height) continue
      for (let kx = 0; kx < kw; kx++) {
        const column = ox * shape.strides[1] + kx * dilations[1] - columns.before
        if (column < 0 || column >= width) continue
        const from = ((image * height + y) * width + column) * ci
        const tap = (ky * kw + kx) * ci * co
        for (let i = 0; i < ci; i++) {
          for (let o = 0; o < co; o++) {
            sum += (x[from + i] as number) * (w[tap + i * co + o] as number) * (weight[at + o] as number)
          }
        }
      }
    }
  }
  for (let image = 0; image < n; image++) {
    for (let oy = 0; oy < rows.out; oy++) for (let ox = 0; ox < columns.out; ox++) eachTap(image, oy, ox)
  }
  return sum
}
