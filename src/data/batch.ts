/** What training and evaluation get: images in [-1, 1] and label ids. */
export interface Batch {
  /** size · cropPixels · cropPixels · 3, row-major. */
  images: Float32Array
  /** Of each image: its labels as stored, so that an exclusive class comes first, then their ancestors. */
  labels: number[][]
  ids: string[]
  size: number
}

/** A unit of data handed to a worker: a shard file, or a run of images of a folder. */
export interface Lease {
  epoch: number
  unit: number
}

export interface LeaseSource {
  /** Null: there is nothing more to train on. */
  next(): Promise<Lease | null>
  done(lease: Lease): Promise<void>
}
