/** Reports the newest checkpoint of each job of an interrupted run, after its pods have ended. */
import { listCheckpoints } from '../../checkpoint/list.ts'
import { errorMessage } from '../../support/errors.ts'

/** @param folders checkpoint folders by KIND/NAME. @returns one line; none without jobs */
export async function savedLines(folders: ReadonlyMap<string, string>): Promise<string[]> {
  const texts = await Promise.all([...folders].map(async ([job, folder]) => `${job} ${await lastSave(folder)}`))
  return texts.length > 0 ? [`stopped; saved: ${texts.join(', ')}`] : []
}

async function lastSave(folder: string): Promise<string> {
  try {
    const { checkpoints } = await listCheckpoints(folder)
    const last = checkpoints.at(-1)
    return last ? `at step ${last.manifest.step}` : 'nothing yet'
  } catch (error) {
    return `unknown (${errorMessage(error)})`
  }
}
