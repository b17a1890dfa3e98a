/** Generates the CustomResourceDefinitions from the zod types that the operator parses jobs with. */
import { GROUP, type JobKind, PLURALS, SHORT_NAMES, VERSION } from '../contract/names.ts'
import { nameValidations, specValidations, templateValidations } from './cel.ts'
import { FinetuneJobInput } from './finetune-job.ts'
import { jobName } from './names.ts'
import { PretrainJobInput } from './pretrain-job.ts'
import { PRINTER_COLUMNS } from './printer-columns.ts'
import type { Schema } from './schema.ts'
import { JobStatus } from './status.ts'
import { structuralSchema } from './structural.ts'

const INPUTS = { PretrainJob: PretrainJobInput, FinetuneJob: FinetuneJobInput }
const DESCRIPTIONS: Readonly<Record<JobKind, string>> = {
  PretrainJob:
    'Asynchronous training on a large, noisy, hierarchical label set, from random weights, a checkpoint of another PretrainJob or one on a volume; FinetuneJobs start from its checkpoints.',
  FinetuneJob:
    'Training on a downstream task, from a checkpoint of a PretrainJob or one on a volume, or from random weights as a baseline.',
}

export interface CustomResourceDefinition {
  apiVersion: 'apiextensions.k8s.io/v1'
  kind: 'CustomResourceDefinition'
  metadata: { name: string }
  spec: Record<string, unknown> & {
    names: Record<string, unknown> & { kind: JobKind; plural: string }
    versions: { name: string; schema: { openAPIV3Schema: Schema } }[]
  }
}

export function crdFor(kind: JobKind): CustomResourceDefinition {
  const plural = PLURALS[kind]
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${GROUP}` },
    spec: {
      group: GROUP,
      scope: 'Namespaced',
      names: {
        kind,
        listKind: `${kind}List`,
        plural,
        singular: kind.toLowerCase(),
        shortNames: [SHORT_NAMES[kind]],
        categories: ['downpour'],
      },
      versions: [versionOf(kind)],
    },
  }
}

function versionOf(kind: JobKind) {
  return {
    name: VERSION,
    served: true,
    storage: true,
    additionalPrinterColumns: PRINTER_COLUMNS[kind].map((column) => ({ ...column })),
    subresources: {
      status: {},
      scale: {
        specReplicasPath: '.spec.workers.replicas',
        statusReplicasPath: '.status.workersReady',
        labelSelectorPath: '.status.workerSelector',
      },
    },
    schema: { openAPIV3Schema: rootSchema(kind) },
  }
}

function rootSchema(kind: JobKind): Schema {
  const { type, maxLength, pattern } = structuralSchema(jobName) as Schema & { maxLength: number }
  const validations = kind === 'PretrainJob' ? nameValidations() : []
  return {
    type: 'object',
    description: DESCRIPTIONS[kind],
    required: ['spec'],
    properties: {
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      metadata: { type: 'object', properties: { name: { type, maxLength, pattern } as Schema } },
      spec: specSchema(kind),
      status: {
        ...withoutRequired(structuralSchema(JobStatus)),
        description: 'Observed state, written only by the operator.',
      },
    },
    ...(validations.length > 0 ? { 'x-kubernetes-validations': validations } : {}),
  }
}

function specSchema(kind: JobKind): Schema {
  const schema = structuralSchema(INPUTS[kind])
  const template = schema.properties?.transfers?.items?.properties?.template
  if (template) template['x-kubernetes-validations'] = templateValidations()
  const description = 'Desired state. Absent fields are filled by the preset, then by defaults.'
  return { ...schema, description, 'x-kubernetes-validations': specValidations(kind) }
}

/**
 * Makes the fields of the status optional at every level of nested objects, but not within items of lists, so that a
 * status that an earlier operator wrote stays valid when a later one adds a field.
 */
function withoutRequired(schema: Schema): Schema {
  const { required: _, properties, ...rest } = schema
  const optionalProperties = Object.entries(properties ?? {}).map(([name, field]) => [
    name,
    field.type === 'object' ? withoutRequired(field) : field,
  ])
  return { ...rest, ...(properties ? { properties: Object.fromEntries(optionalProperties) } : {}) }
}
