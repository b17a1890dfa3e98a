/** Loopback addresses for pods in 127.64.0.0/10: other servers of the machine listen on 127.0.0.1. */
const FIRST_SECOND_BYTE = 64
/** Skips .0 and .255, which some programs refuse as network and broadcast addresses. */
const PER_BLOCK = 254
const BLOCKS = 64 * 256
export const ADDRESSES = BLOCKS * PER_BLOCK

/** @returns the n-th address; 0 ≤ n < ADDRESSES gives distinct addresses */
export function addressAt(n: number): string {
  const block = Math.floor(n / PER_BLOCK) % BLOCKS
  return `127.${FIRST_SECOND_BYTE + (block >> 8)}.${block & 255}.${1 + (n % PER_BLOCK)}`
}
