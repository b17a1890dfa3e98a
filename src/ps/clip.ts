/**
 * Scales a gradient whose L2 norm is larger than `norm` down to it, as tf.clip_by_norm does (paper.md §4.2). Smaller ones
 * keep every bit.
 */
export function clipByNorm(gradient: Float32Array, norm: number): void {
  let squares = 0
  for (let i = 0; i < gradient.length; i++) squares += (gradient[i] as number) ** 2
  const actual = Math.sqrt(squares)
  if (actual <= norm) return
  const scale = norm / actual
  for (let i = 0; i < gradient.length; i++) gradient[i] = (gradient[i] as number) * scale
}
