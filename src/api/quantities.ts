/** Kubernetes quantities such as `500m`, `2`, `4Gi`, `1e3`, compared exactly. */

/** Without a sign, because requests and limits are not negative. */
export const QUANTITY = /^([0-9]{1,18}(\.[0-9]{0,9})?|\.[0-9]{1,9})(([KMGTPE]i)|[numkMGTPE]|([eE][+-]?[0-9]{1,2}))?$/

const PARTS = /^([0-9]*)\.?([0-9]*)(.*)$/
const DECIMAL: Readonly<Record<string, number>> = { n: -9, u: -6, m: -3, '': 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 }
const BINARY = ['Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei']
/** Decimal places that are kept: those of a quantity plus the smallest exponent. */
const DIGITS = 120

/** @returns a negative number, 0 or a positive number, as for sorting */
export function compareQuantities(a: string | number, b: string | number): number {
  const [one, other] = [scaled(a), scaled(b)]
  return one < other ? -1 : Number(one > other)
}

export function isMultiple(value: string | number, unit: string): boolean {
  const one = scaled(unit)
  return one > 0n && scaled(value) % one === 0n
}

/** Rounded up, as in the environment of a container. */
export function unitsIn(value: string | number, unit: string): bigint {
  return (scaled(value) + scaled(unit) - 1n) / scaled(unit)
}

/** For a quantity without a fraction. */
export function wholeQuantity(value: string | number): bigint {
  return scaled(value) / 10n ** BigInt(DIGITS)
}

/** Multiplied by 10^DIGITS, so that no quantity has a fraction. Invalid quantities count as 0; another check reports them. */
function scaled(value: string | number): bigint {
  if (!QUANTITY.test(String(value))) return 0n
  const [, whole = '', fraction = '', suffix = ''] = PARTS.exec(String(value)) ?? []
  const digits = BigInt(`${whole}${fraction}` || '0')
  const binary = BINARY.indexOf(suffix)
  const exponent = binary >= 0 ? 0 : (DECIMAL[suffix] ?? Number(suffix.slice(1)))
  const factor = binary >= 0 ? 1024n ** BigInt(binary + 1) : 1n
  return digits * factor * 10n ** BigInt(DIGITS - fraction.length + exponent)
}
