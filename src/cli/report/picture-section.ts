/** The worst, median and best pictures of a job in the report. */
import { escapeHtml } from './chart.ts'
import type { Drawing, DrawnPicture } from './draw-picture.ts'
import type { JobPictures } from './pictures.ts'

export function pictureSection({ step, by, pictures, problem }: JobPictures): string {
  const what = `The worst, the middle and the best pictures of the evaluation data at step ${step}, by ${by}.`
  return `<div class="pictures">${pictures.map(pictureFigure).join('')}</div>
<p class="note">${escapeHtml([what, problem].filter(Boolean).join(' '))}</p>`
}

function pictureFigure({ rank, id, score, drawings }: DrawnPicture): string {
  const images = drawings.map((drawing) => drawingHtml(drawing, id))
  return `<figure class="picture"><figcaption>${rank}: ${score.toFixed(3)} <small>image ${escapeHtml(id)}</small></figcaption><div>${images.join('')}</div></figure>`
}

function drawingHtml({ caption, side, uri, legend = [] }: Drawing, id: string): string {
  const text = escapeHtml(caption)
  const names = legend.map(({ name, colour }) => ` <em><i style="background:${colour}"></i> ${escapeHtml(name)}</em>`)
  return `<span style="width:${side}px"><img src="${uri}" width="${side}" height="${side}" loading="lazy" alt="${escapeHtml(id)}: ${text}"><small>${[text, ...names].join('')}</small></span>`
}
