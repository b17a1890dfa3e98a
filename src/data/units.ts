/** Divides the images of a data set whose examples are files into units, which the workers of a job lease. */
const IMAGES_PER_UNIT = 256

export interface Units<T> {
  readonly units: readonly string[]
  /** Images of each unit. */
  readonly counts: readonly number[]
  imagesOf(unit: number): readonly T[]
}

/** A unit is a range of the images. */
export function inUnits<T>(images: readonly T[]): Units<T> {
  const imagesOf = (unit: number) => images.slice(unit * IMAGES_PER_UNIT, (unit + 1) * IMAGES_PER_UNIT)
  const units = Array.from({ length: Math.ceil(images.length / IMAGES_PER_UNIT) }, (_, i) => `images-${i}`)
  return { units, counts: units.map((_, unit) => imagesOf(unit).length), imagesOf }
}
