/** Makes the labels that a record stores from the labels of what its picture shows. */
import type { Random } from '../../support/random.ts'
import type { LabelMap } from '../labels.ts'
import { JFT_MINI } from './recipe.ts'
import { PRETRAIN_CLASSES } from './world.ts'

/** @param leaves ids of the leaf labels that the picture shows */
export type Annotator = (leaves: readonly number[], labels: LabelMap, random: Random) => number[]

/** 20% of the leaf labels are wrong, and a few ancestors are stored: precision 80% and unknown recall, as in JFT. */
export const noisyLabels: Annotator = (leaves, labels, random) => {
  const stored = leaves.map((leaf) => (random.next() < JFT_MINI.wrongLabels ? wrongLabel(leaf, labels, random) : leaf))
  const kept = stored.flatMap((leaf) => labels.ancestorsOf(leaf).filter(() => random.next() < JFT_MINI.ancestorKept))
  return [...new Set([...stored, ...kept])]
}

export const cleanLabels: Annotator = (leaves, labels) => labels.close(leaves)

/** Half of the wrong labels are siblings of the right one, as people confuse turtle and tortoise. */
function wrongLabel(leaf: number, labels: LabelMap, random: Random): number {
  const leaves = labels.labels.slice(labels.size - PRETRAIN_CLASSES.length)
  const [parent] = labels.labels[leaf]?.parents ?? []
  const siblings = leaves.filter(({ id, parents }) => id !== leaf && parents[0] === parent)
  const choices = random.next() < 0.5 && siblings.length > 0 ? siblings : leaves.filter(({ id }) => id !== leaf)
  return choices[random.int(choices.length)]?.id ?? leaf
}
