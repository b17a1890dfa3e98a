/** Draws dashboards in Chromium with Grafana's panel components. */
import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { type Browser, chromium, type Page } from 'playwright-core'
import { DownpourError } from '../../src/support/errors.ts'
import type { Drawing } from './dashboard-json.ts'

export interface Painter {
  /** @param file of a PNG */
  paint(drawing: Drawing, file: string): Promise<void>
  close(): Promise<void>
}

const PAGE = fileURLToPath(new URL('page/main.tsx', import.meta.url))
const BROWSERS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']
const IN_MEMORY = '/bundle'
const VIEWPORT = { width: 1312, height: 900 }
const ADDRESS = 'http://dashboards.invalid/'
const ELEMENT = '#dashboard'

/** @throws DownpourError MISSING_PREREQUISITE */
export function findBrowser(): string {
  const found = BROWSERS.find((file) => existsSync(file))
  if (found) return found
  throw new DownpourError('MISSING_PREREQUISITE', 'no Chromium in /usr/bin: `apt-get install chromium` and run again')
}

export async function startPainter(): Promise<Painter> {
  const executablePath = findBrowser()
  const { script, style } = await bundlePage()
  // Chromium's sandbox refuses to run as root.
  const isRoot = process.getuid?.() === 0
  const browser = await chromium.launch({ executablePath, args: isRoot ? ['--no-sandbox'] : [] })
  return {
    async paint(drawing, file) {
      await mkdir(dirname(file), { recursive: true })
      const { page, problems } = await openPage(browser, style)
      await page.addScriptTag({ content: script })
      await page.evaluate((it) => window.drawDashboard?.(it), drawing)
      if (problems.length > 0) throw new DownpourError('NOT_DRAWN', `${drawing.dashboard.title}: ${problems[0]}`)
      await showWhole(page)
      await page.locator(ELEMENT).screenshot({ path: file })
      await page.close()
    },
    close: () => browser.close(),
  }
}

/**
 * Chromium keeps no local storage, which the components want, for a page without an address; nothing is fetched from this
 * one. A panel that throws leaves a hole in the picture: the error must not go unseen.
 */
async function openPage(browser: Browser, style: string): Promise<{ page: Page; problems: string[] }> {
  const page = await browser.newPage({ viewport: VIEWPORT, deviceScaleFactor: 1, reducedMotion: 'reduce' })
  const problems: string[] = []
  page.on('pageerror', ({ message }) => problems.push(message))
  const body = `<!doctype html><meta charset="utf-8"><style>${style} body { margin: 0 }</style><body></body>`
  await page.route('**/*', (route) =>
    route.request().isNavigationRequest() ? route.fulfill({ contentType: 'text/html', body }) : route.abort(),
  )
  await page.goto(ADDRESS)
  return { page, problems }
}

/** A table outside of the window has no content: it is painted when somebody scrolls to it. */
async function showWhole(page: Page): Promise<void> {
  const box = await page.locator(ELEMENT).boundingBox()
  await page.setViewportSize({ width: VIEWPORT.width, height: Math.ceil(box?.height ?? VIEWPORT.height) })
  await page.evaluate(() => new Promise(requestAnimationFrame))
}

/** One script and one style sheet, with icons and fonts inside: no server is needed. */
async function bundlePage(): Promise<{ script: string; style: string }> {
  const { outputFiles } = await build({
    ...{ entryPoints: [PAGE], bundle: true, write: false, outdir: IN_MEMORY, format: 'iife', minify: true },
    ...{ absWorkingDir: dirname(PAGE), logLevel: 'error', legalComments: 'none' },
    define: { 'process.env.NODE_ENV': '"production"', global: 'window' },
    loader: { '.svg': 'text', '.png': 'dataurl', '.woff': 'dataurl', '.woff2': 'dataurl', '.ttf': 'dataurl' },
  })
  const textOf = (name: string) => outputFiles.find(({ path }) => path === join(IN_MEMORY, name))?.text ?? ''
  return { script: textOf('main.js'), style: textOf('main.css') }
}
