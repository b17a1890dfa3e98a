/** Events of an annotation, as Grafana makes them of its query: each time at which a series has a value is one. */
import type { AnnotationEvent, AnnotationJson, Sample } from './dashboard-json.ts'
import { fillIn } from './legend.ts'

/**
 * Times that follow each other at the distance of one step are one event, which lasts. Where the value is the time, each
 * value is an event.
 */
export function eventsOf(
  { name, iconColor = 'blue', titleFormat = name, useValueForTime }: AnnotationJson,
  labels: Readonly<Record<string, string>>,
  samples: readonly Sample[],
  step: number,
): AnnotationEvent[] {
  const event = { name, color: iconColor, text: fillIn(titleFormat, labels) }
  if (useValueForTime) return distinctTimes(samples).map((seconds) => ({ ...event, from: seconds, to: seconds }))
  const events: AnnotationEvent[] = []
  for (const [seconds, value] of samples) {
    if (!(value > 0)) continue
    const last = events.at(-1)
    if (last && seconds <= last.to + step) events[events.length - 1] = { ...last, to: seconds }
    else events.push({ ...event, from: seconds, to: seconds })
  }
  return events
}

function distinctTimes(samples: readonly Sample[]): number[] {
  return [...new Set(samples.map(([, milliseconds]) => milliseconds / 1000))]
}
