/** Environment variables of a pod's container, as in a Container. */
import { z } from 'zod'
import { ENV } from '../contract/runtime.ts'
import { checked, text } from './checks.ts'
import { keyedList } from './lists.ts'
import { dnsSubdomain } from './names.ts'

/** Names that every version of Kubernetes accepts; newer ones accept more. */
const NAME = /^([-_a-zA-Z]|\.[-_a-zA-Z0-9])[-._a-zA-Z0-9]*$/
const KEY = /^([-_a-zA-Z0-9]|\.[-_a-zA-Z0-9])[-._a-zA-Z0-9]*$/
/** Reserved: with other paths a checkpoint could be lost with its pod. */
const OURS = 'DOWNPOUR_'
const FIELD =
  /^(metadata\.(name|namespace|uid|(labels|annotations)\['([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?'\])|spec\.(nodeName|serviceAccountName)|status\.(hostIP|hostIPs|podIP|podIPs))$/
const SOURCES = ['configMapKeyRef', 'fieldRef', 'resourceFieldRef', 'secretKeyRef'] as const
const DIVISORS = ['1', '1m', '1k', '1M', '1G', '1T', '1P', '1E', '1Ki', '1Mi', '1Gi', '1Ti', '1Pi', '1Ei'] as const
const RESOURCES = [
  'limits.cpu',
  'limits.memory',
  'limits.ephemeral-storage',
  'requests.cpu',
  'requests.memory',
  'requests.ephemeral-storage',
] as const

const keyRef = z.strictObject({
  name: dnsSubdomain,
  key: z.string().max(253).regex(KEY, "a key: letters, digits, '-', '_' and '.'"),
  optional: z.boolean().optional(),
})

const resourceFieldRef = checked(
  z.strictObject({
    containerName: z.string().max(63).optional(),
    resource: z.enum(RESOURCES),
    divisor: z.enum(DIVISORS).optional(),
  }),
  {
    message: 'must have a divisor that fits: 1 or 1m for cpu, 1 or a multiple of it for bytes',
    holds: ({ resource, divisor }) =>
      divisor === undefined || divisor === '1' || (divisor === '1m') === resource.endsWith('.cpu'),
    cel: "!has(self.divisor) || self.divisor == '1' || (self.divisor == '1m') == self.resource.endsWith('.cpu')",
  },
)

const valueFrom = checked(
  z.strictObject({
    configMapKeyRef: keyRef.optional(),
    fieldRef: z
      .strictObject({
        apiVersion: z.enum(['v1']).optional(),
        fieldPath: z
          .string()
          .max(350)
          .regex(FIELD, "a field of a pod such as metadata.name or metadata.labels['team']"),
      })
      .optional(),
    resourceFieldRef: resourceFieldRef.optional(),
    secretKeyRef: keyRef.optional(),
  }),
  {
    message: `must have exactly one of ${SOURCES.join(', ')}`,
    holds: (source) => SOURCES.filter((one) => source[one] !== undefined).length === 1,
    cel: `[${SOURCES.map((source) => `has(self.${source})`).join(', ')}].filter(x, x).size() == 1`,
  },
)

export const EnvVar = checked(
  z.strictObject({
    name: z.string().max(253).regex(NAME, "the name of a variable: letters, digits, '-', '_' and '.', no digit first"),
    value: text(16_384).optional(),
    valueFrom: valueFrom.optional(),
  }),
  {
    message: `must leave variables whose names begin with ${OURS} to the operator, but for ${ENV.logLevel}`,
    holds: ({ name }) => !name.startsWith(OURS) || name === ENV.logLevel,
    cel: `!self.name.startsWith('${OURS}') || self.name == '${ENV.logLevel}'`,
  },
  {
    message: 'cannot have both value and valueFrom',
    holds: ({ value, valueFrom: source }) => !value || source === undefined,
    cel: "!has(self.value) || self.value == '' || !has(self.valueFrom)",
  },
)

export const environment = keyedList(EnvVar, 'name', 64)
