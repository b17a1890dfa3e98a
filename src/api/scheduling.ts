/** Queueing, gang scheduling and priority of a job's pods. */
import { z } from 'zod'
import { dnsSubdomain } from './names.ts'

export const GANGS = ['none', 'volcano', 'coscheduling'] as const

export const Scheduling = z.strictObject({
  priorityClassName: dnsSubdomain.optional().describe('PriorityClass of every pod.'),
  // It becomes a label of the pods.
  queueName: dnsSubdomain
    .max(63)
    .optional()
    .describe("Kueue's LocalQueue: all pods wait until it admits them together. With gang volcano: Volcano's Queue."),
  gang: z
    .enum(GANGS)
    .optional()
    .describe('Place the parameter servers and workers.quorum workers together or not at all, by a PodGroup.'),
  schedulerName: dnsSubdomain
    .optional()
    .describe('Default: volcano or scheduler-plugins-scheduler with a gang, else that of the cluster.'),
})
export type Scheduling = z.output<typeof Scheduling>
