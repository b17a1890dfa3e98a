/** Makes the labels that a record stores from the labels of what its picture shows. */
import type { Random } from '../../support/random.ts'
import { JFT_MINI } from './recipe.ts'
import { firstLeafOf, type World } from './world.ts'

/** @param leaves ids of the leaf labels that the picture shows */
export type Annotator = (leaves: readonly number[], world: World, random: Random) => number[]

/** 20% of the leaf labels are wrong, and a few ancestors are stored: precision 80% and unknown recall, as in JFT. */
export const noisyLabels: Annotator = (leaves, world, random) => {
  const stored = leaves.map((leaf) => (random.next() < JFT_MINI.wrongLabels ? wrongLabel(leaf, world, random) : leaf))
  const kept = stored.flatMap((leaf) =>
    world.labels.ancestorsOf(leaf).filter(() => random.next() < JFT_MINI.ancestorKept),
  )
  return [...new Set([...stored, ...kept])]
}

export const cleanLabels: Annotator = (leaves, { labels }) => labels.close(leaves)

/** Half of the wrong labels are siblings of the right one, as people confuse turtle and tortoise. */
function wrongLabel(leaf: number, world: World, random: Random): number {
  const { labels } = world.labels
  const leaves = labels.slice(firstLeafOf(world))
  const [parent] = labels[leaf]?.parents ?? []
  const siblings = leaves.filter(({ id, parents }) => id !== leaf && parents[0] === parent)
  const choices = random.next() < 0.5 && siblings.length > 0 ? siblings : leaves.filter(({ id }) => id !== leaf)
  return choices[random.int(choices.length)]?.id ?? leaf
}
