/**
 * A copy with its axes in another order: axis i of the result is axis `order[i]` of `values`. At most four axes.
 * @param shape of `values`
 */
export function permuted(values: Float32Array, shape: readonly number[], order: readonly number[]): Float32Array {
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, size) => product * size, 1))
  const missing = Array<number>(4 - order.length)
  // Axes of size 1 in front let one nest of loops serve every number of axes.
  const [d0, d1, d2, d3] = [...missing.fill(1), ...order.map((axis) => shape[axis] as number)] as Four
  const [s0, s1, s2, s3] = [...missing.fill(0), ...order.map((axis) => strides[axis] as number)] as Four
  const result = new Float32Array(values.length)
  let at = 0
  for (let a = 0; a < d0; a++)
    for (let b = 0; b < d1; b++)
      for (let c = 0; c < d2; c++) {
        const from = a * s0 + b * s1 + c * s2
        for (let d = 0; d < d3; d++) result[at++] = values[from + d * s3] as number
      }
  return result
}

type Four = [number, number, number, number]
