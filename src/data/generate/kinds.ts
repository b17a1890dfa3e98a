/** The data sets that `downpour data make` and the annotation local.downpour.dev/make know. Draws nothing by itself. */
import { type DataKind, dataKind } from './data-kind.ts'
import type { JftMiniSizes } from './jft-mini.ts'
import type { SetSizes } from './pictures.ts'
import { JFT_WORLD } from './world.ts'

const ofJft = {
  sizes: {
    images: { standard: 8000, description: 'pre-training images' },
    evaluationImages: { standard: 600, description: 'images to score pre-training' },
    downstreamTrainPerClass: { standard: 20, description: 'fine-tuning images per class' },
    downstreamValPerClass: { standard: 20, description: 'images per class to score fine-tuning' },
  },
  pictures: (sizes: JftMiniSizes) =>
    sizes.images +
    sizes.evaluationImages +
    JFT_WORLD.downstream.length * (sizes.downstreamTrainPerClass + sizes.downstreamValPerClass),
}
const ofSets = {
  sizes: {
    trainImages: { standard: 200, description: 'images to fine-tune on' },
    valImages: { standard: 100, description: 'images to score fine-tuning' },
  },
  pictures: ({ trainImages, valImages }: SetSizes) => trainImages + valImages,
}

export const DATA_KINDS: readonly DataKind[] = [
  dataKind({
    name: 'jft-mini',
    description:
      'images with noisy, long-tailed, hierarchical labels for pre-training, and clean sets for evaluation and classification',
    ...ofJft,
    load: async () => (await import('./jft-mini.ts')).makeJftMini,
  }),
  dataKind({
    name: 'coco-mini',
    description: 'objects of ten classes with boxes, polygons and crowds, in the files of COCO',
    ...ofSets,
    load: async () => (await import('./coco-mini.ts')).makeCocoMini,
  }),
  dataKind({
    name: 'voc-mini',
    description: 'such objects with boxes and masks of classes, in the files of PASCAL VOC',
    ...ofSets,
    load: async () => (await import('./voc-mini.ts')).makeVocMini,
  }),
  dataKind({
    name: 'pose-mini',
    description: "persons with COCO's 17 keypoints, in the files of COCO",
    ...ofSets,
    load: async () => (await import('./pose-mini.ts')).makePoseMini,
  }),
  dataKind({
    name: 'jft-mini-permuted',
    description: 'jft-mini with the labels of another image on each: a control, from which nothing can be learnt',
    ...ofJft,
    load: async () => (await import('./jft-mini.ts')).makePermutedJftMini,
  }),
]
