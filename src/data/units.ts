/** Divides the images of a data set whose examples are files into units, which the workers of a job lease. */
const IMAGES_PER_UNIT = 256

export interface Units<T> {
  readonly units: readonly string[]
  imagesOf(unit: number): readonly T[]
}

/** A unit is a range of the images. */
export function inUnits<T>(images: readonly T[]): Units<T> {
  return {
    units: Array.from({ length: Math.ceil(images.length / IMAGES_PER_UNIT) }, (_, i) => `images-${i}`),
    imagesOf: (unit) => images.slice(unit * IMAGES_PER_UNIT, (unit + 1) * IMAGES_PER_UNIT),
  }
}
