/**
 * `downpour data make jft-mini`: a small public data set with the statistics of JFT-300M (paper.md §1.1): long-tailed
 * frequencies, 1.26 labels an image, 20% wrong labels (half of them siblings), most ancestors missing. Beside it a
 * clean evaluation set, and a clean downstream classification set of classes that are not in pre-training.
 */
import { cleanLabels, noisyLabels } from './annotators.ts'
import { Maker } from './maker.ts'
import type { Making } from './pictures.ts'
import { JFT_MINI } from './recipe.ts'
import { JFT_WORLD, type World } from './world.ts'

export interface JftMiniSizes {
  readonly images: number
  readonly evaluationImages: number
  readonly downstreamTrainPerClass: number
  readonly downstreamValPerClass: number
}

/** @returns the facts of dataset.json. @throws AbortError */
export function makeJftMini(making: Making, sizes: JftMiniSizes, world: World = JFT_WORLD): Promise<object> {
  return makeParts(new Maker(making, world), sizes, world, (image) => image)
}

/**
 * The same pictures and the same labels, but each picture of pre-training has the labels of the next one: all that can be
 * learnt from them is how frequent each label is. What such a pre-training gives to other tasks is not knowledge of
 * pictures.
 */
export function makePermutedJftMini(making: Making, sizes: JftMiniSizes): Promise<object> {
  return makeParts(new Maker(making, JFT_WORLD), sizes, JFT_WORLD, (image) => (image + 1) % sizes.images)
}

async function makeParts(
  maker: Maker,
  sizes: JftMiniSizes,
  { labels, downstream, zipfExponent }: World,
  labelsFrom: (image: number) => number,
): Promise<object> {
  await maker.records('pretrain', sizes.images, noisyLabels, labelsFrom)
  await maker.records('evaluation', sizes.evaluationImages, cleanLabels)
  await maker.classes('train', sizes.downstreamTrainPerClass)
  await maker.classes('val', sizes.downstreamValPerClass)
  return { classes: labels.size, downstreamClasses: downstream.length, zipfExponent, ...JFT_MINI }
}
