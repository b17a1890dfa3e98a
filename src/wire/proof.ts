/**
 * That who says hello knows the key of its run. The key itself is never sent, and a proof holds for the place and the
 * try that it was made for: whoever overhears one cannot say hello as a later try, or as the coordinator.
 */
import { createHmac } from 'node:crypto'
import { sameSecret } from '../support/secret.ts'
import type { Message } from './messages.ts'

type Hello = Message<'hello'>

/** @param key undefined: this run has none */
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
