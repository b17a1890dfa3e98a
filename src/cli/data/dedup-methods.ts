/** The methods that the flags of `data dedup` choose. */
import type { z } from 'zod'
import type { backend, Model } from '../../contract/training.ts'
import type { Method, MethodName } from '../../dedup/method.ts'
import { cacheRoot } from '../../support/cache-root.mjs'
import { DownpourError } from '../../support/errors.ts'
import { silentLog } from '../../support/log.ts'

export interface MethodFlags {
  threshold: number
  checkpoint?: string
  method?: MethodName
  embeddingThreshold?: number
  backbone?: Model['backbone']
  variant?: Model['variant']
  pixels?: number
  backend: z.output<typeof backend>
}

/** @returns the methods, and what their results depend on besides their thresholds */
export async function methodsOf(flags: MethodFlags): Promise<{ methods: Method[]; facts: object }> {
  const { checkpoint, method = checkpoint === undefined ? 'perceptual' : undefined } = flags
  const { perceptualMethod } = await import('../../dedup/perceptual.ts')
  const methods = method === 'embedding' ? [] : [perceptualMethod(flags.threshold) as Method]
  if (method === 'perceptual') return { methods, facts: {} }
  if (checkpoint === undefined) {
    throw new DownpourError('DEDUP_CHECKPOINT', '--method embedding: needs --checkpoint DIR, whose backbone it uses')
  }
  const { embedding, facts } = await embeddingOf(checkpoint, flags)
  return { methods: [...methods, embedding], facts }
}

/** tfjs is loaded only here, because it takes a second. */
async function embeddingOf(
  checkpoint: string,
  { backbone, variant, pixels, backend, embeddingThreshold }: MethodFlags,
) {
  const { selectBackend } = await import('../../tensor/backend.ts')
  const { loadBackbone } = await import('../../dedup/backbone-checkpoint.ts')
  const { embeddingMethod } = await import('../../dedup/embedding.ts')
  await selectBackend(backend, silentLog, cacheRoot(process.env))
  const given = { ...(backbone ? { backbone } : {}), ...(variant ? { variant } : {}) }
  const loaded = await loadBackbone(checkpoint, given)
  const embedding = embeddingMethod({ ...loaded, threshold: embeddingThreshold, pixels }) as Method
  return { embedding, facts: { digest: loaded.digest, pixels } }
}
