/** Pictures that an annotations file names: read whole, with the size that their annotations are for. */
import { join } from 'node:path'
import { errorCode, errorMessage } from '../support/errors.ts'
import { printable } from '../support/printable.ts'
import { pictureSize } from './codecs/picture-size.ts'
import { readRegular } from './regular-file.ts'

/** Far larger than any picture, so that a sparse file cannot fill the memory. */
const MAX_IMAGE_BYTES = 512 * 2 ** 20

export type PictureFile =
  | { readonly type: 'picture'; readonly where: string; readonly bytes: Buffer }
  | { readonly type: 'corrupt'; readonly where: string; readonly reason: string }

/** A file that cannot be read is damage, like a picture that cannot be decoded. */
export async function readPicture(folder: string, name: string): Promise<PictureFile> {
  const path = join(folder, name)
  const where = printable(path)
  try {
    return { type: 'picture', where, bytes: await readRegular(path, MAX_IMAGE_BYTES) }
  } catch (error) {
    if (errorCode(error) !== 'DATA_UNREADABLE') throw error
    return { type: 'corrupt', where, reason: errorMessage(error).slice(`${where}: `.length) }
  }
}

/** As `readPicture`; a picture of another size, as it is stored, is damage too, because boxes and masks would not fit. */
export async function readSizedPicture(
  folder: string,
  name: string,
  { width, height }: { readonly width: number; readonly height: number },
): Promise<PictureFile> {
  const picture = await readPicture(folder, name)
  if (picture.type === 'corrupt') return picture
  const { where } = picture
  try {
    const size = await pictureSize(picture.bytes)
    if (size.width === width && size.height === height) return picture
    const found = `the picture has ${size.width}×${size.height} pixels`
    return { type: 'corrupt', where, reason: `${found}: expected ${width}×${height}, for which it is annotated` }
  } catch (error) {
    return { type: 'corrupt', where, reason: errorMessage(error) }
  }
}
