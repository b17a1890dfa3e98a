/** A TCP proxy to the API server for one operator, which a test can interrupt; it does not terminate TLS. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts'

export interface ApiProxy {
  readonly proxy: TcpProxy
  readonly kubeconfig: string
  /** Closes all connections and resets new ones until `up`. */
  down(): void
  up(): void
  close(): Promise<void>
}

/** A port without a listener, so that connections to it are reset. */
const UNUSED_PORT = 1

export async function openApiProxy(kubeconfig: string): Promise<ApiProxy> {
  const text = readFileSync(kubeconfig, 'utf8')
  const [address = '', port] = /https:\/\/127\.0\.0\.1:(\d+)/.exec(text) ?? []
  const proxy = await startTcpProxy(Number(port))
  const folder = mkdtempSync(join(tmpdir(), 'downpour-proxy-'))
  const file = join(folder, 'kubeconfig')
  writeFileSync(file, text.replace(address, `https://127.0.0.1:${proxy.port}`), { mode: 0o600 })
  return {
    proxy,
    kubeconfig: file,
    down() {
      proxy.target = UNUSED_PORT
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
