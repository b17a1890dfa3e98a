// One set-up at a time in a folder. Each has a numbered ticket with its process in it, and its turn comes when no lower
// ticket is alive: a process that was killed is passed over, so no lock outlives its holder. Plain JavaScript for Node 18.
import { constants, copyFileSync, linkSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { identityOf, isAlive } from './processes.mjs'

/** Of file systems without hard links, where a ticket is copied. */
const NO_LINKS = ['EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'EMLINK']
const LOOK_EVERY_MS = 200

/** @param onWait told once, with the number of the process that has the lock. @returns what gives it back */
export async function lockSetUp(folder, onWait) {
  mkdirSync(folder, { recursive: true })
  const mine = takeTicket(folder)
  const giveBack = () => rmSync(fileOf(folder, mine), { force: true })
  process.once('exit', giveBack)
  for (let isTold = false; ; await delay(LOOK_EVERY_MS)) {
    const before = tickets(folder).filter((number) => number < mine && isTaken(folder, number))
    if (before.length === 0) return giveBack
    if (!isTold) onWait(holderOf(folder, before[0]))
    isTold = true
  }
}

/** Above all that are alive: who looked before others took theirs has a number too low, and takes another. */
function takeTicket(folder) {
  const draft = join(folder, `draft-${process.pid}`)
  writeFileSync(draft, identityOf(process.pid))
  try {
    for (;;) {
      const number = Math.max(0, ...tickets(folder)) + 1
      // A link appears with its text in it, or not at all.
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

/** A dead one's ticket is thrown away. Its number is not given out again, for ours is higher. */
function isTaken(folder, number) {
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
