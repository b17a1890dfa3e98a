/** A way to the API server for one operator, that the test may cut: TLS goes through as it is. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts'

export interface Line {
  readonly proxy: TcpProxy
  readonly kubeconfig: string
  /** Cuts it, and lets nothing through until `up`. */
  down(): void
  up(): void
  close(): Promise<void>
}

/** Nobody listens there: what connects is reset. */
const NOWHERE = 1

export async function openLine(kubeconfig: string): Promise<Line> {
  const text = readFileSync(kubeconfig, 'utf8')
  const [address = '', port] = /https:\/\/127\.0\.0\.1:(\d+)/.exec(text) ?? []
  const proxy = await startTcpProxy(Number(port))
  const folder = mkdtempSync(join(tmpdir(), 'downpour-line-'))
  const file = join(folder, 'kubeconfig')
  writeFileSync(file, text.replace(address, `https://127.0.0.1:${proxy.port}`), { mode: 0o600 })
  return {
    proxy,
    kubeconfig: file,
    down() {
      proxy.target = NOWHERE
      proxy.cut()
    },
    up() {
      proxy.target = Number(port)
    },
    async close() {
      await proxy.close()
      rmSync(folder, { recursive: true })
    },
  }
}
