import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { listCheckpoints } from '../checkpoint/list.ts'
import { MANIFEST_FILE } from '../checkpoint/manifest.ts'
import { DownpourError } from '../support/errors.ts'

/**
 * @param path a checkpoint, or a folder of checkpoints: then its newest
 * @throws DownpourError CHECKPOINT_NO_MANIFEST; errors of the disk
 */
export async function checkpointAt(path: string): Promise<string> {
  if (existsSync(join(path, MANIFEST_FILE))) return path
  const { checkpoints, refused } = await listCheckpoints(path)
  const newest = checkpoints.at(-1)
  if (newest) return newest.folder
  const why = refused[0] ? `${refused[0].name} is refused: ${refused[0].reason}` : `there is none in ${path}`
  throw new DownpourError(
    'CHECKPOINT_NO_MANIFEST',
    `expected a checkpoint (a folder with ${MANIFEST_FILE}), or a folder of checkpoints (step-...): ${why}`,
    { path },
  )
}
