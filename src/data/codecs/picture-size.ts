/**
 * The size of JPEG and PNG pictures from their first bytes: libvips needs 20 times as long for it, which counts when a
 * hundred thousand annotated pictures are compared with their annotations.
 */
import { headerSize } from './image.ts'
import { jpegHeader } from './jpeg-header.ts'

export interface PixelSize {
  readonly width: number
  readonly height: number
}

const PNG = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1')
const PNG_WIDTH_AT = 16

/** As the file stores it, before a rotation by EXIF. @throws Error whose message says why the bytes are not a usable picture */
export async function pictureSize(bytes: Buffer): Promise<PixelSize> {
  const { width, height } = pngSize(bytes) ?? jpegHeader(bytes) ?? (await headerSize(bytes))
  return { width, height }
}

function pngSize(bytes: Buffer): PixelSize | undefined {
  if (bytes.length < PNG_WIDTH_AT + 8 || !bytes.subarray(0, PNG.length).equals(PNG)) return undefined
  return { width: bytes.readUInt32BE(PNG_WIDTH_AT), height: bytes.readUInt32BE(PNG_WIDTH_AT + 4) }
}
