/** A proxy to the API server that records which RBAC permission each request needs. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { JOB_KINDS, PLURALS } from '../../src/contract/names.ts'
import type { Api } from '../integration/operator/harness.ts'
import { passOn } from '../support/pass-on.ts'
import { answerAlreadyExists, answerPodGroup, isPodGroup, type PodGroups } from './pod-groups.ts'

export interface Recorder {
  kubeconfigPath: string
  /** Verb, group and resource, such as `list downpour.dev/pretrainjobs` or `update /pods/status`. */
  rights: Set<string>
  close(): Promise<void>
}

export async function openRecorder(api: Api): Promise<Recorder> {
  const rights = new Set<string>()
  const groups: PodGroups = new Map()
  // Answers the first create of a transfer with AlreadyExists, so that the operator also reads the job. This happens only
  // when a watch lags.
  let isFirst = true
  const server = createServer(async (request, response) => {
    const body = request.method === 'GET' ? undefined : await buffer(request)
    for (const right of rightsOf(request, body)) rights.add(right)
    if (isPodGroup(request)) return answerPodGroup(groups, request, String(body), response)
    if (isFirst && isTransfer(request)) {
      isFirst = false
      return answerAlreadyExists(response)
    }
    passOn(request, response, api.url, body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const folder = await mkdtemp(join(tmpdir(), 'downpour-recorder-'))
  const kubeconfigPath = join(folder, 'config')
  const { port } = server.address() as AddressInfo
  const config = await readFile(api.kubeconfigPath, 'utf8')
  await writeFile(kubeconfigPath, config.replaceAll(api.url, `http://127.0.0.1:${port}`))
  return {
    kubeconfigPath,
    rights,
    async close() {
      server.closeAllConnections()
      server.close()
      await rm(folder, { recursive: true })
    },
  }
}

const isTransfer = ({ method, url = '' }: IncomingMessage) => method === 'POST' && /\/finetunejobs(\?|$)/.test(url)

const VERBS: Readonly<Record<string, string>> = { POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' }

/** Returns the permissions that the API server's authorizer checks, and those that its admission plugins check. */
export function rightsOf({ method = '', url = '' }: Pick<IncomingMessage, 'method' | 'url'>, body?: Buffer): string[] {
  const { pathname, searchParams } = new URL(url, 'http://server')
  const [root, ...rest] = pathname.split('/').filter(Boolean)
  const group = root === 'api' ? '' : rest.shift()
  rest.shift()
  if (rest[0] === 'namespaces' && rest.length > 2) rest.splice(0, 2)
  const [resource, name, subresource] = rest
  const read = name !== undefined ? 'get' : searchParams.has('watch') ? 'watch' : 'list'
  const right = `${VERBS[method] ?? read} ${group}/${[resource, subresource].filter(Boolean).join('/')}`
  return [right, ...ownersToBlock(body).map((owner) => `update downpour.dev/${owner}/finalizers`)]
}

/** blockOwnerDeletion delays the owner's deletion, so OwnerReferencesPermissionEnforcement requires the right to set its finalizers. */
function ownersToBlock(body: Buffer | undefined): string[] {
  if (!body?.length) return []
  const { metadata } = JSON.parse(body.toString()) as {
    metadata?: { ownerReferences?: { kind: string; blockOwnerDeletion?: boolean }[] }
  }
  const owners = metadata?.ownerReferences?.filter(({ blockOwnerDeletion }) => blockOwnerDeletion) ?? []
  return JOB_KINDS.filter((kind) => owners.some((owner) => owner.kind === kind)).map((kind) => PLURALS[kind])
}
