/**
 * Answers requests for PodGroups of gang schedulers, which local mode's API server does not serve. It stores each with an
 * empty spec, as if another client had changed it, so that the operator has to repair it.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { KubeObject } from '../../src/kube/objects.ts'

export type PodGroups = Map<string, KubeObject>

export const isPodGroup = (request: IncomingMessage) => /\/podgroups(\/|\?|$)/.test(request.url ?? '')

export function answerPodGroup(
  groups: PodGroups,
  request: IncomingMessage,
  body: string,
  response: ServerResponse,
): void {
  const { pathname } = new URL(request.url ?? '/', 'http://server')
  if (request.method !== 'POST') return reply(response, 200, groups.get(pathname))
  const group = JSON.parse(body) as KubeObject
  const path = `${pathname}/${group.metadata.name}`
  if (groups.has(path)) return answerAlreadyExists(response)
  groups.set(path, { ...group, spec: {} } as KubeObject)
  reply(response, 201, group)
}

export function answerAlreadyExists(response: ServerResponse): void {
  reply(response, 409, { kind: 'Status', code: 409, reason: 'AlreadyExists', message: 'the name is taken' })
}

function reply(response: ServerResponse, status: number, object: object = {}): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(object))
}
