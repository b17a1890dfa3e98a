/** The parts of Grafana's classic dashboard JSON that are drawn. Dashboards of other projects can be drawn as well. */

export interface DashboardJson {
  readonly title: string
  readonly panels: readonly PanelJson[]
  readonly templating: { readonly list: readonly VariableJson[] }
  readonly annotations: { readonly list: readonly AnnotationJson[] }
}

export interface PanelJson {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly description?: string
  readonly gridPos: GridPos
  readonly targets?: readonly TargetJson[]
  readonly fieldConfig?: FieldConfigJson
  readonly options?: Readonly<Record<string, unknown>>
  readonly transformations?: readonly { readonly id: string; readonly options: object }[]
}

export interface GridPos {
  readonly x: number
  readonly y: number
  readonly w: number
  readonly h: number
}

export interface TargetJson {
  readonly refId: string
  readonly expr: string
  readonly legendFormat?: string
  readonly format?: string
  readonly instant?: boolean
  readonly range?: boolean
}

export interface FieldConfigJson {
  readonly defaults: {
    /** Shown instead of "No data". A panel that has it may rightly be empty. */
    readonly noValue?: string
    readonly custom?: object
    readonly [option: string]: unknown
  }
  readonly overrides: readonly {
    readonly matcher: { readonly id: string; readonly options?: unknown }
    readonly properties: readonly { readonly id: string; readonly value?: unknown }[]
  }[]
}

export interface VariableJson {
  readonly name: string
  readonly label?: string
  readonly type: string
  readonly query?: string | { readonly query: string }
  readonly hide?: number
  readonly multi?: boolean
  readonly includeAll?: boolean
  readonly allValue?: string
  readonly current?: { readonly value?: string | readonly string[] }
}

export interface AnnotationJson {
  readonly name: string
  readonly enable?: boolean
  readonly expr?: string
  readonly iconColor?: string
  readonly titleFormat?: string
  readonly step?: string
  /** The value is the time of the event in milliseconds. */
  readonly useValueForTime?: boolean
}

/** What the page draws: a dashboard with the answers to its queries. */
export interface Drawing {
  readonly dashboard: DashboardJson
  readonly series: Readonly<Record<number, readonly Series[]>>
  readonly events: readonly AnnotationEvent[]
  readonly range: TimeRangeSeconds
  /** Names and chosen values of the variables that a person sees. */
  readonly choices: readonly (readonly [label: string, value: string])[]
  readonly caption: string
  readonly theme: Theme
}
export type Theme = 'dark' | 'light'

export interface TimeRangeSeconds {
  readonly from: number
  readonly to: number
}

export interface Series {
  readonly refId: string
  readonly legend: string
  readonly labels: Readonly<Record<string, string>>
  readonly samples: readonly Sample[]
  /** Distance of its points; absent: it has one point. */
  readonly stepSeconds?: number
  /** A row of a table instead of a line. */
  readonly isRow: boolean
}
export type Sample = readonly [seconds: number, value: number]

export interface AnnotationEvent {
  readonly name: string
  readonly color: string
  readonly text: string
  readonly from: number
  readonly to: number
}

/** Grafana's unit of width is 1/24 of the page, that of height 38 pixels with the space between panels. */
export const PAGE_WIDTH = 1280
export const COLUMN_PIXELS = PAGE_WIDTH / 24
export const ROW_PIXELS = 38

/** Panels in the order in which a person reads them, with those inside of collapsed rows. */
export function panelsOf({ panels }: DashboardJson): readonly PanelJson[] {
  return panels.filter(({ type }) => type !== 'row')
}
