/**
 * Orders a label hierarchy in linear time and without recursion: a labels file may have a million labels in one chain.
 */

interface Node {
  parents: readonly number[]
}

/** Label ids, parents before their children. Labels on a cycle or below one are left out. */
export function parentsFirst(labels: readonly Node[]): number[] {
  const waitsFor = labels.map(({ parents }) => parents.length)
  const children = childrenOf(labels)
  const order = [...labels.keys()].filter((id) => waitsFor[id] === 0)
  for (const id of order) {
    for (const child of children[id] as number[]) {
      waitsFor[child] = (waitsFor[child] as number) - 1
      if (waitsFor[child] === 0) order.push(child)
    }
  }
  return order
}

/** @param order parentsFirst, which left some out. @returns the lowest id of a cycle */
export function labelOnCycle(labels: readonly Node[], order: readonly number[]): number {
  const placed = new Set(order)
  const path = new Set<number>()
  let id = [...labels.keys()].find((candidate) => !placed.has(candidate)) as number
  while (!path.has(id)) {
    path.add(id)
    id = labels[id]?.parents.find((parent) => !placed.has(parent)) as number
  }
  const cycle = [...path].slice([...path].indexOf(id))
  return cycle.reduce((lowest, other) => Math.min(lowest, other))
}

/** The number of labels on the longest path from a root to a leaf; 1 for a flat set. */
export function hierarchyDepth(labels: readonly Node[]): number {
  const depths = new Array<number>(labels.length).fill(0)
  let deepest = 0
  for (const id of parentsFirst(labels)) {
    const above = (labels[id]?.parents ?? []).reduce((most, parent) => Math.max(most, depths[parent] as number), 0)
    depths[id] = above + 1
    deepest = Math.max(deepest, above + 1)
  }
  return deepest
}

function childrenOf(labels: readonly Node[]): number[][] {
  const children: number[][] = labels.map(() => [])
  labels.forEach(({ parents }, id) => {
    for (const parent of parents) children[parent]?.push(id)
  })
  return children
}
