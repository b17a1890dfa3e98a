/** The parameters of jft-mini, modelled on JFT-300M (paper.md §1.1). They are written to dataset.json. */
export const JFT_MINI = {
  pixels: 40,
  shards: 16,
  /** Share of leaf labels that are wrong. */
  wrongLabels: 0.2,
  /** Share of pictures with two objects, which gives about 1.26 labels an image. */
  secondObject: 0.26,
  /** Probability that a record also stores an ancestor of its label. The hierarchy restores the others. */
  ancestorKept: 0.002,
} as const
