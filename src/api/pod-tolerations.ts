/** Tolerations, as in a PodSpec. */
import { z } from 'zod'
import { checked } from './checks.ts'
import { labelKey, labelValue } from './pod-labels.ts'

export const Toleration = checked(
  z.strictObject({
    key: labelKey.optional(),
    operator: z.enum(['Exists', 'Equal']).optional(),
    value: labelValue.optional(),
    effect: z.enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute']).optional(),
    tolerationSeconds: z.int().min(-2_147_483_648).max(2_147_483_647).optional(),
  }),
  {
    message: 'must have operator: Exists where it has no key',
    holds: ({ key, operator }) => !!key || operator === 'Exists',
    cel: "(has(self.key) && self.key != '') || (has(self.operator) && self.operator == 'Exists')",
  },
  {
    message: 'must have no value with operator: Exists',
    holds: ({ operator, value }) => operator !== 'Exists' || !value,
    cel: "!has(self.operator) || self.operator != 'Exists' || !has(self.value) || self.value == ''",
  },
  {
    message: 'must have effect: NoExecute with tolerationSeconds',
    holds: ({ effect, tolerationSeconds }) => tolerationSeconds === undefined || effect === 'NoExecute',
    cel: "!has(self.tolerationSeconds) || (has(self.effect) && self.effect == 'NoExecute')",
  },
)
