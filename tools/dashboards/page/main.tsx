/** Runs in the browser: draws what the program hands over, and tells when every panel is there. */
import { createTheme, ThemeContext } from '@grafana/data'
import '@fontsource/inter/400.css'
import '@fontsource/inter/500.css'
import { GlobalStyles } from '@grafana/ui'
import { createRoot } from 'react-dom/client'
import { type Drawing, panelsOf } from '../dashboard-json.ts'
import { Dashboard } from './dashboard.tsx'
import { framesOf } from './frames.ts'

declare global {
  interface Window {
    drawDashboard(drawing: Drawing): Promise<void>
  }
}

/** uPlot draws in a microtask after React, and tables measure themselves twice. */
const FRAMES_UNTIL_DRAWN = 10

window.drawDashboard = async (drawing) => {
  const theme = createTheme({ colors: { mode: drawing.theme } })
  const drawn = panelsOf(drawing.dashboard).map(
    async (panel) => [panel.id, await framesOf(panel, drawing.series[panel.id] ?? [], theme)] as const,
  )
  const frames = new Map(await Promise.all(drawn))
  createRoot(document.body.appendChild(document.createElement('div'))).render(
    <ThemeContext.Provider value={theme}>
      <GlobalStyles />
      <Dashboard {...{ drawing, frames, theme }} />
    </ThemeContext.Provider>,
  )
  await document.fonts.ready
  for (let frame = 0; frame < FRAMES_UNTIL_DRAWN; frame++) await new Promise(requestAnimationFrame)
}
