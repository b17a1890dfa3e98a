/** Parses and validates a request for objects. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TargetGroup } from '../../contract/discovery.ts'
import type { Clock } from '../../support/clock.ts'
import { isFields } from '../../support/fields.ts'
import type { Log } from '../../support/log.ts'
import { shownValue } from '../../support/shown.ts'
import { checkMetadataTypes } from '../store/metadata-rules.ts'
import type { Stored } from '../store/objects.ts'
import { apiVersionOf } from '../store/resources.ts'
import { schemaOf } from '../store/schema.ts'
import { badRequest, unsupportedOption } from '../store/status-error.ts'
import type { ObjectStore } from '../store/store.ts'
import { readBody } from './http.ts'
import type { Pages } from './pages.ts'
import { fieldPredicate, labelPredicate, type Predicate } from './selectors.ts'
import type { Target } from './target.ts'

export interface ApiServerOptions {
  store: ObjectStore
  port: number
  token: string
  clock: Clock
  log: Log
  /** For Prometheus. */
  metricsTargets: () => readonly TargetGroup[]
  /** GET pods/NAME/log. */
  serveLog: (namespace: string, pod: string, query: URLSearchParams, response: ServerResponse) => Promise<void>
}

export interface ApiContext extends ApiServerOptions {
  pages: Pages
}

export interface Request {
  target: Target
  query: URLSearchParams
  accept: string | undefined
  body: unknown
  contentType: string
  /** The field manager, for server-side apply. */
  manager: string
  dryRun: boolean
  matches: Predicate
}

/** @throws StatusError 400, 413, 415 */
export async function readRequest(incoming: IncomingMessage, target: Target, query: URLSearchParams): Promise<Request> {
  const agent = incoming.headers['user-agent']?.split('/', 1)[0]
  return {
    target,
    query,
    accept: incoming.headers.accept,
    contentType: incoming.headers['content-type']?.split(';', 1)[0]?.trim() ?? '',
    body: await readBody(incoming),
    manager: query.get('fieldManager') || agent || 'unknown',
    dryRun: isDryRun(query),
    matches: predicateOf(query, target.resource.kind),
  }
}

function isDryRun(query: URLSearchParams): boolean {
  const asked = query.getAll('dryRun').filter(Boolean)
  if (asked.some((value) => value !== 'All')) throw unsupportedOption('dryRun', JSON.stringify(asked), ['All'])
  return asked.length > 0
}

function predicateOf(query: URLSearchParams, kind: string): Predicate {
  const label = labelPredicate(query.get('labelSelector') ?? '')
  const field = fieldPredicate(query.get('fieldSelector') ?? '', kind)
  return (object) => label(object) && field(object)
}

/** @throws StatusError 400 for a parameter that is not a whole number */
export function wholeNumber(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name)
  if (text === null || text === '') return undefined
  if (/^\d+$/.test(text)) return Number(text)
  throw badRequest(`${name}: Invalid value: "${text}": expected a whole number`)
}

/** A text as it is, anything else as JSON: a template literal throws for an object without a prototype. */
function shownName(given: unknown): string {
  return typeof given === 'string' ? given : shownValue(given)
}

/** The body, if its kind, name and namespace agree with the path. @throws StatusError 400 */
export function objectBody({ body, target }: Request): Stored {
  if (!isFields(body) || !isFields(body.metadata)) throw badRequest('the body must be an object with metadata')
  checkMetadataTypes(body.metadata)
  const object = body as unknown as Stored
  if (schemaOf(target.resource) && !(object.kind && object.apiVersion))
    throw badRequest(
      `the object provided is unrecognized (must be of type ${target.resource.kind}): kind or apiVersion is missing`,
    )
  const agrees = (what: string, given: unknown, wanted: string | undefined) => {
    if (given === undefined || given === '' || wanted === undefined || given === wanted) return
    throw badRequest(
      `the ${what} of the provided object (${shownName(given)}) does not match the one on the URL (${wanted})`,
    )
  }
  agrees('apiVersion', object.apiVersion, apiVersionOf(target.resource))
  agrees('kind', object.kind, target.resource.kind)
  agrees('namespace', object.metadata.namespace, target.namespace)
  agrees('name', object.metadata.name, target.name)
  return object
}
