// A lock for set-ups in a folder. Each set-up writes a numbered ticket that names its process, and holds the lock when
// every process with a lower ticket has ended: a killed process cannot keep the lock. Plain JavaScript for Node 18.
import { constants, copyFileSync, linkSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { identityOf, isAlive } from './processes.mjs'

/** Errors of file systems without hard links, where a ticket is copied. */
const NO_LINKS = ['EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'EMLINK']
const POLL_MS = 200

/**
 * @param {string} folder of the tickets
 * @param {(holder: string) => void} onWait called once, with the number of the process that holds the lock
 * @param {AbortSignal} [signal] ends the wait
 * @returns {Promise<() => void>} a function that releases the lock
 */
export async function lockSetUp(folder, onWait, signal) {
  mkdirSync(folder, { recursive: true })
  const mine = takeTicket(folder)
  const unlock = () => rmSync(fileOf(folder, mine), { force: true })
  process.once('exit', unlock)
  for (let isWaiting = false; ; await delay(POLL_MS, undefined, { signal })) {
    const before = tickets(folder).filter((number) => number < mine && isHeld(folder, number))
    if (before.length === 0) return unlock
    if (!isWaiting) onWait(holderOf(folder, before[0]))
    isWaiting = true
  }
}

/** The highest of all tickets. A set-up that finds a higher one, taken meanwhile, takes another. */
function takeTicket(folder) {
  const draft = join(folder, `draft-${process.pid}`)
  writeFileSync(draft, identityOf(process.pid))
  try {
    for (;;) {
      const number = Math.max(0, ...tickets(folder)) + 1
      // A hard link never shows a ticket without its text.
      if (!linked(draft, fileOf(folder, number))) continue
      if (!tickets(folder).some((other) => other > number)) return number
      rmSync(fileOf(folder, number))
    }
  } finally {
    rmSync(draft, { force: true })
  }
}

function linked(from, to) {
  try {
    linkSync(from, to)
    return true
  } catch (error) {
    if (error.code === 'EEXIST') return false
    if (!NO_LINKS.includes(error.code)) throw error
    return copied(from, to)
  }
}

function copied(from, to) {
  try {
    copyFileSync(from, to, constants.COPYFILE_EXCL)
    return true
  } catch (error) {
    if (error.code === 'EEXIST') return false
    throw error
  }
}

/** Removes the ticket of a process that has ended. Its number is not used again, because ours is higher. */
function isHeld(folder, number) {
  const identity = identityIn(folder, number)
  if (identity === undefined) return false
  if (isAlive(identity)) return true
  rmSync(fileOf(folder, number), { force: true })
  return false
}

function holderOf(folder, number) {
  return (identityIn(folder, number) ?? '').split(':')[0]
}

function identityIn(folder, number) {
  try {
    return readFileSync(fileOf(folder, number), 'utf8')
  } catch (error) {
    if (error.code === 'ENOENT') return undefined
    throw error
  }
}

function tickets(folder) {
  const names = readdirSync(folder).filter((name) => /^ticket-\d+$/.test(name))
  return names.map((name) => Number(name.slice('ticket-'.length))).sort((a, b) => a - b)
}

function fileOf(folder, number) {
  return join(folder, `ticket-${number}`)
}
