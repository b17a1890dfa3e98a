/** Solves a small system of linear equations by elimination. The matrix is symmetric and positive, so no row is swapped. */
export function solve(rows: number[][]): number[] {
  const count = rows.length
  for (const [i, pivot] of rows.entries())
    for (const row of rows.slice(i + 1)) {
      const factor = (row[i] as number) / (pivot[i] as number)
      for (let k = i; k <= count; k++) row[k] = (row[k] as number) - factor * (pivot[k] as number)
    }
  const solution = new Array<number>(count).fill(0)
  for (let i = count - 1; i >= 0; i--) {
    const row = rows[i] as number[]
    const known = solution.reduce((sum, value, k) => sum + (k > i ? value * (row[k] as number) : 0), 0)
    solution[i] = ((row[count] as number) - known) / (row[i] as number)
  }
  return solution
}
