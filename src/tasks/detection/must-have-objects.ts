import { DownpourError } from '../../support/errors.ts'

/** Without an object to find, average precision is not defined. @throws DownpourError DATA_NO_OBJECTS */
export function mustHaveObjects(hasObjects: boolean, images: number): void {
  if (hasObjects) return
  const message = `none of the ${images} scored images has an object that counts, so average precision is not defined; crowds and difficult objects do not count`
  throw new DownpourError('DATA_NO_OBJECTS', message, { images })
}
