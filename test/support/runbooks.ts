/** The pages of docs/runbooks as data, for the tests that check them and run their commands. */
import { readFileSync } from 'node:fs'
import { ALERTS } from '../../tools/monitoring/alerts.ts'
import { codeBlocks, headings, section } from './markdown.ts'

export const SECTIONS = ['Meaning', 'Impact', 'Diagnosis', 'Mitigation'] as const

export interface Runbook {
  readonly name: string
  readonly text: string
  readonly headings: readonly string[]
}

export const readPage = (name: string): string => readFileSync(`docs/runbooks/${name}.md`, 'utf8')

export const RUNBOOKS: readonly Runbook[] = ALERTS.map(({ name }) => {
  const text = readPage(name)
  return { name, text, headings: headings(text) }
})

/** Lines that set variables, and the commands below them. */
export interface Commands {
  readonly variables: string
  readonly commands: readonly string[]
}

/** @returns one entry for each block of shell below a heading */
export function commandsBelow(text: string, heading: string): Commands[] {
  return codeBlocks(section(text, heading), 'sh').map((block) => {
    const lines = block.trim().split('\n')
    const isVariable = (line: string) => /^[A-Z]+=/.test(line)
    return { variables: lines.filter(isVariable).join('\n'), commands: lines.filter((line) => !isVariable(line)) }
  })
}

/** What the page of all runbooks has its reader export. @param values replace those of the page, by name */
export function exportsOfReadme(values: Readonly<Record<string, string>>): string {
  const [block = ''] = codeBlocks(readPage('README'), 'sh')
  return block.replace(/([A-Z]+)=(?=[\w-]+(?:\s|$))[\w-]+/g, (whole, name: string) =>
    name in values ? `${name}=${values[name]}` : whole,
  )
}
