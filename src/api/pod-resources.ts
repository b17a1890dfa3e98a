/** Requests and limits of a container: quantities, names of resources, and rules between them. */
import { z } from 'zod'
import { type Check, celPattern, checked, mapOf } from './checks.ts'
import { compareQuantities, isMultiple, QUANTITY } from './quantities.ts'

const MAX_RESOURCES = 16
/** Resources of a node, devices, and huge pages. */
const COMMON = /^(cpu|memory|ephemeral-storage)$/
const HUGE = /^hugepages-[1-9][0-9]{0,5}[KMG]i$/
const DEVICE =
  /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/
/** The domain of a device must stay valid with the prefix `requests.`. */
const DEVICE_DOMAIN = /^[^/]{1,244}\//
const WHOLE = /^[0-9]+([KMGTPE]i|[kMGTPE])?$/

export type Quantity = string | number
type Quantities = Record<string, Quantity>
interface Resources {
  requests?: Quantities | undefined
  limits?: Quantities | undefined
}

export const quantity = z.union([
  z.string().max(64).regex(QUANTITY, 'a quantity such as 500m, "2" or 4Gi'),
  z.int().min(0),
])

const isHuge = (name: string) => name.startsWith('hugepages-')
/** Devices are assigned as a whole and not shared. @example isDevice('nvidia.com/gpu') */
const isDevice = (name: string) => name.includes('/') && !name.includes('kubernetes.io/')
const IS_HUGE = "name.startsWith('hugepages-')"
const IS_DEVICE = "(name.contains('/') && !name.contains('kubernetes.io/'))"
const VALUE = (map: string) => `quantity(string(${map}[name]))`

const KNOWN_NAMES: Check<Quantities> = {
  message: 'must name resources: cpu, memory, ephemeral-storage, hugepages-2Mi, or devices such as nvidia.com/gpu',
  holds: (map) =>
    Object.keys(map).every(
      (name) =>
        COMMON.test(name) ||
        HUGE.test(name) ||
        (DEVICE.test(name) && DEVICE_DOMAIN.test(name) && !name.startsWith('requests.')),
    ),
  cel: `self.all(name, name.matches(${celPattern(COMMON)}) || name.matches(${celPattern(HUGE)}) || (name.matches(${celPattern(DEVICE)}) && name.matches(${celPattern(DEVICE_DOMAIN)}) && !name.startsWith('requests.')))`,
}

const WHOLE_DEVICES: Check<Quantities> = {
  message: 'must ask for whole devices: 1, not 0.5',
  holds: (map) => Object.entries(map).every(([name, value]) => !isDevice(name) || WHOLE.test(String(value))),
  cel: `self.all(name, !${IS_DEVICE} || string(self[name]).matches(${celPattern(WHOLE)}))`,
}

const WHOLE_PAGES: Check<Quantities> = {
  message: 'must ask for whole huge pages',
  holds: (map) =>
    Object.entries(map).every(
      ([name, value]) => !HUGE.test(name) || isMultiple(value, name.slice('hugepages-'.length)),
    ),
  // Other names are refused by the check of names.
  cel: `self.all(name, !name.matches(${celPattern(HUGE)}) || (${VALUE('self')}.isInteger() && ${VALUE('self')}.asInteger() % quantity(name.substring(10)).asInteger() == 0))`,
}

const quantities = mapOf(quantity, MAX_RESOURCES, KNOWN_NAMES, WHOLE_DEVICES, WHOLE_PAGES)

const everyRequest =
  (holds: (name: string, request: Quantity, limit: Quantity | undefined) => boolean) =>
  ({ requests = {}, limits = {} }: Resources) =>
    Object.entries(requests).every(([name, request]) => holds(name, request, limits[name]))

const WITHIN_LIMITS: Check<Resources> = {
  message: 'must not request more than the limit',
  holds: everyRequest((_, request, limit) => limit === undefined || compareQuantities(request, limit) <= 0),
  cel: `!has(self.requests) || !has(self.limits) || self.requests.all(name, !(name in self.limits) || ${VALUE('self.requests')}.compareTo(${VALUE('self.limits')}) <= 0)`,
}

const DEVICES_IN_LIMITS: Check<Resources> = {
  message: 'must have a limit equal to the request for devices and huge pages',
  holds: everyRequest(
    (name, request, limit) =>
      !(isDevice(name) || isHuge(name)) || (limit !== undefined && compareQuantities(request, limit) === 0),
  ),
  cel: `!has(self.requests) || self.requests.all(name, !(${IS_DEVICE} || ${IS_HUGE}) || (has(self.limits) && name in self.limits && ${VALUE('self.requests')}.compareTo(${VALUE('self.limits')}) == 0))`,
}

const namesOf = ({ requests = {}, limits = {} }: Resources) => [...Object.keys(requests), ...Object.keys(limits)]
const anyName = (test: string) =>
  `(has(self.requests) && self.requests.exists(name, ${test})) || (has(self.limits) && self.limits.exists(name, ${test}))`

const PAGES_NEED_MEMORY: Check<Resources> = {
  message: 'must have cpu or memory besides huge pages',
  holds: (resources) =>
    !namesOf(resources).some(isHuge) || namesOf(resources).some((name) => /^(cpu|memory)$/.test(name)),
  cel: `!(${anyName(IS_HUGE)}) || ${anyName("name in ['cpu', 'memory']")}`,
}

export const Resources = checked(
  z.strictObject({
    requests: quantities.optional().describe('What the scheduler reserves.'),
    limits: quantities.optional().describe('What the container may use.'),
  }),
  WITHIN_LIMITS,
  DEVICES_IN_LIMITS,
  PAGES_NEED_MEMORY,
)
