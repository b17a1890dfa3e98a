/** The colours of VOC's class masks: bit j of red, green and blue, from the top, is bit 3j, 3j+1 and 3j+2 of the index. */

type Colour = readonly number[]

const BITS = 8
const COLOURS = 256

export function vocColour(index: number): Colour {
  return [0, 1, 2].map((channel) => {
    let value = 0
    for (let j = 0; j < BITS; j++) value |= ((index >> (3 * j + channel)) & 1) << (BITS - 1 - j)
    return value
  })
}

const INDICES = new Map(Array.from({ length: COLOURS }, (_, index) => [keyOf(vocColour(index)), index]))

/** undefined for a colour that is not in the palette. */
export function vocIndex(colour: Colour): number | undefined {
  return INDICES.get(keyOf(colour))
}

function keyOf([red = 0, green = 0, blue = 0]: Colour): number {
  return red * 65536 + green * 256 + blue
}
