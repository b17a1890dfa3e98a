// The folder for what all clones of a user share: Node, cluster programs, TensorFlow.
// Plain JavaScript for Node 18, because set-up reads it before anything is installed.
import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'

/**
 * `DOWNPOUR_CACHE`, else `downpour` in the user's cache folder.
 * @param {Readonly<Record<string, string | undefined>>} environment
 * @returns {string}
 * @throws where DOWNPOUR_CACHE is relative: set-up and pods run in different folders
 */
export function cacheRoot({ DOWNPOUR_CACHE: chosen, XDG_CACHE_HOME: userCaches, HOME: home }) {
  if (chosen && !isAbsolute(chosen)) throw new Error(`DOWNPOUR_CACHE=${chosen}: expected an absolute path`)
  if (chosen) return chosen
  // The XDG specification says that relative paths must be ignored.
  const isUsable = userCaches !== undefined && isAbsolute(userCaches)
  return join(isUsable ? userCaches : join(home || homedir(), '.cache'), 'downpour')
}
