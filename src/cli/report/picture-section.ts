/** The worst, median and best pictures of a job in the report. */
import { escapeHtml } from './chart.ts'
import { type DrawnPicture, MIN_DRAWN_SCORE } from './draw-picture.ts'
import type { JobPictures } from './pictures.ts'

export function pictureSection({ step, pictures, problem }: JobPictures): string {
  const hasPredictions = pictures.some(({ drawings }) => drawings.length > 1)
  const note = [
    `The worst, the middle and the best pictures of the evaluation data at step ${step}, by the score of the picture.`,
    hasPredictions ? `Predictions with a score below ${MIN_DRAWN_SCORE} are not drawn.` : '',
    problem ?? '',
  ]
  return `<div class="pictures">${pictures.map(pictureFigure).join('')}</div>
<p class="note">${escapeHtml(note.filter(Boolean).join(' '))}</p>`
}

function pictureFigure({ rank, id, score, drawings }: DrawnPicture): string {
  const images = drawings.map(({ caption, side, uri }) => {
    const text = escapeHtml(caption)
    return `<span style="width:${side}px"><img src="${uri}" width="${side}" height="${side}" loading="lazy" alt="${escapeHtml(id)}: ${text}"><small>${text}</small></span>`
  })
  return `<figure class="picture"><figcaption>${rank}: ${score.toFixed(3)} <small>${escapeHtml(id)}</small></figcaption><div>${images.join('')}</div></figure>`
}
