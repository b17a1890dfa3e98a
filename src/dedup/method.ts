/** A way to find copies. A run uses one or two, and each picture is decoded for each. */
export type MethodName = 'perceptual' | 'embedding'

/** bench/dedup measures it: nearly all copies are below 0.1, and other pictures above 0.3. */
export const PERCEPTUAL_THRESHOLD = 0.15
export const EMBEDDING_THRESHOLD = 0.01

export interface Match {
  /** Number of the test picture, in the order in which they were added. */
  readonly test: number
  /** 0: equal. Its scale depends on the method. */
  readonly distance: number
}

/** @template P what the method needs of a picture */
export interface Method<P = unknown> {
  readonly name: MethodName
  /** Greatest distance of a copy. */
  readonly threshold: number
  /** @throws Error whose message says why the bytes are not a usable picture */
  prepare(encoded: Uint8Array): Promise<P>
  /** Remembers pictures of the test set. All are added before the first search. */
  addTest(pictures: readonly P[]): void
  /** @returns for each training picture the test pictures that it is a copy of */
  match(pictures: readonly P[]): Match[][]
  /** Test pictures that the method cannot compare. */
  readonly skipped: number
}
