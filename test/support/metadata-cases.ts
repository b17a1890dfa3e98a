/** Metadata that people and tools write into job files, and the field that an API server refuses; none if it accepts. */
type Metadata = Record<string, unknown>

const owner = { apiVersion: 'v1', kind: 'ConfigMap', name: 'a', uid: 'u' }

export const METADATA_CASES: readonly [what: string, metadata: Metadata, refused?: string][] = [
  ['nothing but a name', {}],
  ['null in every optional field', { labels: null, ownerReferences: null, finalizers: null, uid: null }],
  ['a label and an annotation that are null', { labels: { team: null }, annotations: { note: null } }],
  ['fields that the API server wrote into an exported object', { uid: 'u', generation: 7, creationTimestamp: '2024-01-31T12:00:00Z', selfLink: '/a', managedFields: [{ manager: 'a', operation: 'Update' }] }],
  ['a creationTimestamp of null, as code generators write it', { creationTimestamp: null }],
  ['owners, one of them the controller', { ownerReferences: [owner, { ...owner, uid: 'v', controller: true }] }],
  ['finalizers', { finalizers: ['example.com/cleanup', 'abc', 'foregroundDeletion'] }],
  ['a generateName beside the name', { generateName: 'jft-' }],
  ['a generateName beside an empty name', { name: '', generateName: 'jft-' }],
  ['a generateName beside a name of null', { name: null, generateName: 'jft-' }],
  ['a label that is a number', { labels: { team: 1 } }, 'metadata.labels.team'],
  ['a list of labels', { labels: [] }, 'metadata.labels'],
  ['an annotation that is a boolean', { annotations: { note: true } }, 'metadata.annotations.note'],
  ['a generation in quotes', { generation: '1' }, 'metadata.generation'],
  ['a generation that is not a whole number', { generation: 1.5 }, 'metadata.generation'],
  ['a creationTimestamp that is not a date', { creationTimestamp: 'yesterday' }, 'metadata.creationTimestamp'],
  ['a creationTimestamp that is a date without a time', { creationTimestamp: '2024-01-31' }, 'metadata.creationTimestamp'],
  ['a creationTimestamp on the 30th of February', { creationTimestamp: '2024-02-30T12:00:00Z' }, 'metadata.creationTimestamp'],
  ['a uid that is a number', { uid: 5 }, 'metadata.uid'],
  ['a resourceVersion that is a number', { resourceVersion: 5 }, 'metadata.resourceVersion'],
  ['a generateName that is a number', { generateName: 5 }, 'metadata.generateName'],
  ['a generateName in capitals', { generateName: 'JFT-' }, 'metadata.generateName'],
  ['a finalizer with a blank', { finalizers: ['a b'] }, 'metadata.finalizers[0]'],
  ['one finalizer instead of a list', { finalizers: 'example.com/a' }, 'metadata.finalizers'],
  ['finalizers that contradict each other', { finalizers: ['orphan', 'foregroundDeletion'] }, 'metadata.finalizers'],
  ['an owner without its uid', { ownerReferences: [{ ...owner, uid: undefined }] }, 'metadata.ownerReferences[0].uid'],
  ['an owner whose apiVersion is malformed', { ownerReferences: [{ ...owner, apiVersion: 'a/b/c' }] }, 'metadata.ownerReferences[0].apiVersion'],
  ['an owner with an unknown field', { ownerReferences: [{ ...owner, group: 'a' }] }, 'metadata.ownerReferences[0].group'],
  ['an event as owner', { ownerReferences: [{ ...owner, kind: 'Event' }] }, 'metadata.ownerReferences[0]'],
  ['two controllers', { ownerReferences: [1, 2].map((uid) => ({ ...owner, uid: `${uid}`, controller: true })) }, 'metadata.ownerReferences'],
  ['managedFields with an unknown field', { managedFields: [{ foo: 1 }] }, 'metadata.managedFields[0].foo'],
  ['an unknown field of metadata', { clusterName: 'a' }, 'metadata.clusterName'],
] // biome-ignore format: one line a case
