/** The golden vectors of COCO's metrics (paper.md §4.11), which pycocotools computed. */
import type { CocoInput } from '../../src/scores/index.ts'

/** Crowds that absorb detections, duplicates, ranges of areas and limits. */
export const GOLDEN_BOXES: CocoInput = {
  images: [{ id: 1 }, { id: 2 }],
  categories: [{ id: 1 }, { id: 2 }],
  annotations: [
    { id: 1, image_id: 1, category_id: 1, bbox: [10, 10, 40, 40], area: 1600, iscrowd: 0 },
    { id: 2, image_id: 1, category_id: 1, bbox: [100, 100, 20, 20], area: 400, iscrowd: 0 },
    { id: 3, image_id: 1, category_id: 2, bbox: [50, 50, 100, 100], area: 10000, iscrowd: 0 },
    { id: 4, image_id: 2, category_id: 1, bbox: [0, 0, 150, 150], area: 20000, iscrowd: 1 },
    { id: 5, image_id: 2, category_id: 1, bbox: [160, 160, 30, 30], area: 900, iscrowd: 0 },
    { id: 6, image_id: 2, category_id: 2, bbox: [20, 20, 60, 60], area: 3600, iscrowd: 0 },
  ],
  detections: [
    { image_id: 1, category_id: 1, bbox: [12, 12, 40, 40], score: 0.9 },
    { image_id: 1, category_id: 1, bbox: [12, 12, 38, 38], score: 0.85 },
    { image_id: 1, category_id: 1, bbox: [101, 101, 20, 20], score: 0.3 },
    { image_id: 1, category_id: 2, bbox: [55, 55, 100, 100], score: 0.8 },
    { image_id: 1, category_id: 2, bbox: [0, 0, 30, 30], score: 0.7 },
    { image_id: 2, category_id: 1, bbox: [10, 10, 50, 50], score: 0.95 },
    { image_id: 2, category_id: 1, bbox: [70, 70, 60, 60], score: 0.6 },
    { image_id: 2, category_id: 1, bbox: [161, 161, 30, 30], score: 0.5 },
    { image_id: 2, category_id: 2, bbox: [25, 20, 60, 60], score: 0.4 },
  ],
}

/** The 12 numbers of GOLDEN_BOXES. */
export const GOLDEN_BOX_NUMBERS = [
  0.614728, 0.834571, 0.834571, 0.750495, 0.75, 0.7, 0.466667, 0.75, 0.75, 0.75, 0.8, 0.7,
]
/** The 10 numbers of the keypoints of §4.11. */
export const GOLDEN_KEYPOINT_NUMBERS = [0.50297, 0.834983, 0.50495, 0.8, 0.3, 0.55, 1, 0.5, 0.8, 0.3]
