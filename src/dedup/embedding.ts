/**
 * The embedding method: pictures whose features, as a trained backbone sees them, point in nearly the same direction
 * (paper.md §1.10). It finds copies with other colours, frames or angles, which the perceptual method does not.
 * B pictures of a batch, T pictures of the test set, F channels.
 */
import { decodeSquare } from '../data/codecs/image.ts'
import { createPass } from '../models/layer.ts'
import { averageFeatures } from '../tasks/classifier.ts'
import { type Tensor, type Tensor2D, type Tensor4D, tf } from '../tensor/tf.ts'
import type { LoadedBackbone } from './backbone-checkpoint.ts'
import { EMBEDDING_THRESHOLD, type Match, type Method } from './method.ts'

export interface EmbeddingOptions extends Pick<LoadedBackbone, 'backbone' | 'weights' | 'name'> {
  readonly threshold?: number | undefined
  /** Pictures are resized to a square of this side. Absent: the size that the backbone is made for. */
  readonly pixels?: number | undefined
}

const MINI_PIXELS = 32
const PIXELS = 224
/** Keeps channels that never change, and pictures that equal the mean, from a division by zero. */
const SMALL = 1e-12

/** @returns a method whose distance is 1 - cosine of the features, standardised by those of the test set */
export function embeddingMethod({ backbone, weights, name, ...options }: EmbeddingOptions): Method<Uint8Array> {
  const { threshold = EMBEDDING_THRESHOLD, pixels = name === 'resnet-mini' ? MINI_PIXELS : PIXELS } = options
  const pass = createPass(weights, { training: false })
  const features = (pictures: readonly Uint8Array[]) =>
    featuresOf(pictures, pixels, (x) => averageFeatures(backbone, pass, x))
  const test: Tensor2D[] = []
  let index: TestFeatures | undefined
  return {
    name: 'embedding',
    threshold,
    skipped: 0,
    prepare: (encoded) => decodeSquare(encoded, pixels),
    addTest(pictures) {
      if (pictures.length > 0) test.push(features(pictures))
    },
    match(pictures) {
      if (pictures.length === 0) return []
      index ??= testFeatures(test.splice(0))
      return matchesOf(features(pictures), index, threshold)
    },
  }
}

interface TestFeatures {
  readonly mean_F: Tensor
  readonly deviation_F: Tensor
  /** Of length 1. */
  readonly directions_TF: Tensor2D
}

type Embed = (images_BHWC: Tensor4D) => Tensor2D

/** The mean over a picture and its mirror image, so that both have the same features. */
function featuresOf(pictures: readonly Uint8Array[], pixels: number, embed: Embed): Tensor2D {
  return tf.tidy(() => {
    const values = new Float32Array(pictures.length * pixels * pixels * 3)
    for (const [i, rgb] of pictures.entries())
      for (let k = 0; k < rgb.length; k++) values[i * rgb.length + k] = (rgb[k] as number) / 127.5 - 1
    const images_BHWC = tf.tensor4d(values, [pictures.length, pixels, pixels, 3])
    const mirrored_BHWC = tf.reverse(images_BHWC, 2)
    return tf.div(tf.add(embed(images_BHWC), embed(mirrored_BHWC)), 2) as Tensor2D
  })
}

/**
 * All features of a rectified network are positive, so without the mean every two pictures would seem alike. Without the
 * standard deviation, the few channels that tell classes apart would hide all others.
 */
function testFeatures(parts: Tensor2D[]): TestFeatures {
  const kept = tf.tidy(() => {
    const features_TF = parts.length === 1 ? (parts[0] as Tensor2D) : (tf.concat(parts) as Tensor2D)
    const { mean, variance } = tf.moments(features_TF, 0)
    const statistics = { mean_F: mean, deviation_F: tf.sqrt(tf.add(variance, SMALL)) }
    return { ...statistics, directions_TF: directions(features_TF, statistics) }
  })
  tf.dispose(parts)
  return kept
}

function directions(features_BF: Tensor2D, { mean_F, deviation_F }: Omit<TestFeatures, 'directions_TF'>): Tensor2D {
  const standard_BF = tf.div(tf.sub(features_BF, mean_F), deviation_F)
  const length_B = tf.maximum(tf.norm(standard_BF, 2, 1, true), SMALL)
  return tf.div(standard_BF, length_B) as Tensor2D
}

function matchesOf(
  features_BF: Tensor2D,
  { directions_TF, ...statistics }: TestFeatures,
  threshold: number,
): Match[][] {
  const [count] = features_BF.shape
  const [tests] = directions_TF.shape
  const distances = tf.tidy(() => {
    const cosines_BT = tf.matMul(directions(features_BF, statistics), directions_TF, false, true)
    return tf.sub(1, cosines_BT).dataSync()
  })
  features_BF.dispose()
  return Array.from({ length: count }, (_, i) => {
    const matches: Match[] = []
    for (let test = 0; test < tests; test++) {
      const distance = Math.max(0, distances[i * tests + test] as number)
      if (distance <= threshold) matches.push({ test, distance })
    }
    return matches
  })
}
