/**
 * Proves that a caller knows the key of its run, without sending the key. A proof is bound to the role, index and attempt
 * of a hello: an intercepted one cannot be used for a later attempt or for the coordinator.
 */
import { createHmac } from 'node:crypto'
import { sameSecret } from '../support/secret.ts'
import type { Message } from './messages.ts'

type Hello = Message<'hello'>

/** @param key undefined: the run has no key */
export function proven(hello: Hello, key: string | undefined): Hello {
  return key === undefined ? hello : { ...hello, proof: proofOf(hello, key) }
}

export function isProven(hello: Hello, key: string | undefined): boolean {
  return key === undefined || sameSecret(hello.proof ?? '', proofOf(hello, key))
}

function proofOf({ role, index, podUid, attempt, restored, jobUid, shard, shards }: Hello, key: string): string {
  const said = JSON.stringify([role, index, podUid, attempt, restored, jobUid, shard, shards])
  return createHmac('sha256', key).update(said).digest('hex')
}
