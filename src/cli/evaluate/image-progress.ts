import { countProgress } from '../count-progress.ts'

export interface ImageProgress {
  show(images: number): void
  end(): void
}

const REDRAW_MS = 100

/** @param total undefined: the count alone is shown, on a terminal */
export function imageProgress(
  out: { write(text: string): unknown; isTTY?: boolean },
  total: number | undefined,
): ImageProgress {
  const progress = countProgress(out, 'images')
  if (total !== undefined) return { show: (images) => progress.show(images, total), end: progress.end }
  let shownMs = Number.NEGATIVE_INFINITY
  return {
    show(images) {
      if (!out.isTTY || performance.now() - shownMs < REDRAW_MS) return
      shownMs = performance.now()
      out.write(`\r\u001b[K${images} images`)
    },
    end() {
      if (shownMs > 0) out.write('\n')
    },
  }
}
