/** The default costs of `downpour plan`, from the recorded benchmarks. */
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { Costs } from '../src/simulate/machine.ts'

const WORKERS = 'bench/results/workers.json'
const STEPS = 'bench/results/step.json'
/** @example resnet50, 4 images of 96 pixels */
const CASE = /^(.+), (\d+) images of (\d+) pixels$/
/** By the contenders of `bench:step`; Python and single operations are what no job runs. */
const BACKENDS: Readonly<Record<string, string | undefined>> = { recorded: 'tensorflow', wasm: 'wasm' }

const network = z.string().regex(CASE)
const Workers = z.object({ machine: z.string(), costs: Costs })
const Row = z.object({ network, contender: z.string(), 'images/s': z.number().gt(0) })
/** As `bench:step` writes it, and as it wrote it before it had Python as a contender. */
const Steps = z.object({
  machine: z.string(),
  results: z.exactOptional(z.array(z.object({ rows: z.array(Row) }))),
  rows: z.exactOptional(z.array(z.object({ backbone: network, backend: z.string(), seconds: z.number().gt(0) }))),
})

/** @throws ZodError if a benchmark has written another form */
export function measuredCosts(): string {
  const workers = Workers.parse(read(WORKERS))
  const { machine, results = [], rows = [] } = Steps.parse(read(STEPS))
  const { network: _, ...costs } = workers.costs
  const content = {
    costsFrom: WORKERS,
    costsMachine: workers.machine,
    costs,
    stepsFrom: STEPS,
    stepsMachine: machine,
    steps: [...rows.map(stepOf), ...results.flatMap((result) => result.rows.flatMap(stepsOf))],
  }
  return `${JSON.stringify(content, null, 2)}\n`
}

function stepOf({ backbone: text, backend, seconds }: { backbone: string; backend: string; seconds: number }) {
  const [, backbone, batch, side] = CASE.exec(text) as unknown as [string, string, string, string]
  return { backbone, backend, batch: Number(batch), side: Number(side), seconds }
}

function stepsOf({ network: text, contender, 'images/s': imagesPerSecond }: z.output<typeof Row>) {
  const backend = BACKENDS[contender]
  if (!backend) return []
  const { batch } = stepOf({ backbone: text, backend, seconds: 0 })
  return [stepOf({ backbone: text, backend, seconds: Number((batch / imagesPerSecond).toPrecision(4)) })]
}

function read(file: string): unknown {
  return JSON.parse(readFileSync(new URL(`../${file}`, import.meta.url), 'utf8'))
}
