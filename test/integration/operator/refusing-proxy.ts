/** A proxy to the API server that answers for it where the test decides so, and records the requests. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { passOn } from '../../support/pass-on.ts'
import { type Api, addressOf, kubeconfigFor, startOperator, TestNamespace } from './harness.ts'

/** The answer of the test instead of the API server: a Status or another body. */
export interface Refusal {
  code: number
  reason?: string
  message?: string
  [field: string]: unknown
}

export interface RefusingProxy {
  kubeconfigPath: string
  /** Writes such as `POST pods` or `PUT pretrainjobs/jft/status`, in order, refused or not. */
  writes: string[]
  /** Undefined forwards the request; `'silence'` cuts the connection. */
  refuse: (what: string) => Refusal | 'silence' | undefined
  close(): Promise<void>
}

export async function openRefusingProxy(api: Api): Promise<RefusingProxy> {
  const server = createServer((request, response) => {
    const what = describe(request.method, request.url)
    if (request.method !== 'GET') proxy.writes.push(what)
    const refusal = proxy.refuse(what)
    if (refusal === 'silence') return void request.socket.destroy()
    if (refusal) {
      request.resume()
      response.writeHead(refusal.code, { 'content-type': 'application/json' })
      return void response.end(JSON.stringify({ kind: 'Status', status: 'Failure', ...refusal }))
    }
    passOn(request, response, api.url)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const folder = await mkdtemp(join(tmpdir(), 'downpour-proxy-'))
  const proxy: RefusingProxy = {
    kubeconfigPath: join(folder, 'config'),
    writes: [],
    refuse: () => undefined,
    async close() {
      server.closeAllConnections()
      server.close()
      await rm(folder, { recursive: true })
    },
  }
  await writeFile(proxy.kubeconfigPath, kubeconfigFor(addressOf(server)))
  return proxy
}

/** @returns method and path; `TRY pods` for a dry run, `WATCH pods` for a watch */
function describe(method = '', url = ''): string {
  const query = new URL(url, 'http://proxy').searchParams
  const verb = query.has('dryRun') ? 'TRY' : query.has('watch') ? 'WATCH' : method
  const path = url.replace(/\?.*/, '').replace(/^.*\/namespaces\/[^/]+\//, '')
  return `${verb} ${path.replace(/^\/apis?\/.*\//, '')}`
}

/** Runs an operator behind such a proxy in its own namespace until the test ends. */
export async function withRefusingProxy(
  api: Api,
  namespace: string,
  check: (proxy: RefusingProxy, cluster: TestNamespace) => Promise<void>,
): Promise<void> {
  const cluster = new TestNamespace(api, namespace)
  const proxy = await openRefusingProxy(api)
  const operator = startOperator(proxy.kubeconfigPath, namespace)
  try {
    await check(proxy, cluster)
  } finally {
    await operator.stop()
    await proxy.close()
    await cluster.client.close()
  }
}
