/** Parts of the documents, for tests that do what a document says. */

/** @returns the text of each block of a language, in order */
export function codeBlocks(document: string, language: string): string[] {
  const blocks = document.matchAll(/^```(?<name>\w*)\n(?<text>[\s\S]*?)^```$/gm)
  return [...blocks].flatMap(({ groups }) => (groups?.name === language ? [groups.text ?? ''] : []))
}

/** @returns the text below a heading of the second level, up to the next one; empty if there is none */
export function section(document: string, heading: string): string {
  const parts = document.split(/^## (.+)$/m)
  return parts[parts.indexOf(heading, 1) + 1] ?? ''
}

export function headings(document: string): string[] {
  return [...document.matchAll(/^## (.+)$/gm)].map(([, heading = '']) => heading)
}
