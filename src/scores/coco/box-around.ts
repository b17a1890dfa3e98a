/** The smallest box that holds all keypoints: x, y, width and height. @param keypoints x, y, visibility of each */
export function boxAround(keypoints: readonly number[]): [x: number, y: number, width: number, height: number] {
  const xs = keypoints.filter((_, i) => i % 3 === 0)
  const ys = keypoints.filter((_, i) => i % 3 === 1)
  const [left, top] = [Math.min(...xs), Math.min(...ys)]
  return [left, top, Math.max(...xs) - left, Math.max(...ys) - top]
}
