/** The rows of each category and image, in the orders that matching and accumulating need. One sort; the rest is counting. */
import type { Columns, Detections } from './annotations.ts'

/** Rows of one group lie side by side: group g is rows[starts[g]] … rows[starts[g + 1] - 1]. */
export interface Groups {
  readonly rows: Int32Array
  readonly starts: Int32Array
}

export function rowsOf({ rows, starts }: Groups, group: number): Int32Array {
  return rows.subarray(starts[group], starts[group + 1])
}

/** Distributes `rows` over groups and keeps their order within each group. Rows of group -1 are left out. */
export function distribute(rows: Int32Array, groupOf: Int32Array, groups: number): Groups {
  const starts = new Int32Array(groups + 1)
  for (const row of rows) {
    const group = groupOf[row] as number
    if (group >= 0) starts[group + 1] = (starts[group + 1] as number) + 1
  }
  for (let g = 0; g < groups; g++) starts[g + 1] = (starts[g + 1] as number) + (starts[g] as number)
  const next = starts.slice()
  const placed = new Int32Array(starts[groups] as number)
  for (const row of rows) {
    const group = groupOf[row] as number
    if (group < 0) continue
    placed[next[group] as number] = row
    next[group] = (next[group] as number) + 1
  }
  return { rows: placed, starts }
}

/** For each row, the place of its value in `known`; -1 where it has none. */
export function placesOf(values: Float64Array, known: readonly number[]): Int32Array {
  const places = new Map(known.map((value, place) => [value, place]))
  return Int32Array.from(values, (value) => places.get(value) ?? -1)
}

export function allRows({ count }: Pick<Columns, 'count'>): Int32Array {
  return Int32Array.from({ length: count }, (_, row) => row)
}

/** The best score first; rows of equal score by image, then in the order of the file, as pycocotools' stable sorts leave them. */
export function byScore(detections: Detections, imageOf: Int32Array, images: number): Int32Array {
  const { rows } = distribute(allRows(detections), imageOf, images)
  const scores = Float64Array.from(rows, (row) => detections.scores[row] as number)
  const order = Int32Array.from(rows.keys())
  order.sort((a, b) => (scores[b] as number) - (scores[a] as number) || a - b)
  return order.map((place) => rows[place] as number)
}
