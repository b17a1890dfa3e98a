/** Metadata that people and tools write into job files, and the field that every API server refuses; undefined: taken. */
type Metadata = Record<string, unknown>

const owner = { apiVersion: 'v1', kind: 'ConfigMap', name: 'a', uid: 'u' }

export const METADATA_CASES: readonly [what: string, metadata: Metadata, refused?: string][] = [
  ['nothing but a name', {}],
  ['null wherever there may be something', { labels: null, ownerReferences: null, finalizers: null, uid: null }],
  ['a label and an annotation of null', { labels: { team: null }, annotations: { note: null } }],
  ['what the server wrote into an exported file', { uid: 'u', generation: 7, creationTimestamp: '2024-01-31T12:00:00Z', selfLink: '/a', managedFields: [{ manager: 'a', operation: 'Update' }] }],
  ['a creation time of null, as tools write it', { creationTimestamp: null }],
  ['owners, one of them the controller', { ownerReferences: [owner, { ...owner, uid: 'v', controller: true }] }],
  ['finalizers', { finalizers: ['example.com/cleanup', 'abc', 'foregroundDeletion'] }],
  ['a generateName beside the name', { generateName: 'jft-' }],
  ['a generateName beside an empty name', { name: '', generateName: 'jft-' }],
  ['a generateName beside a name of null', { name: null, generateName: 'jft-' }],
  ['a label of a number', { labels: { team: 1 } }, 'metadata.labels.team'],
  ['a list of labels', { labels: [] }, 'metadata.labels'],
  ['an annotation of true', { annotations: { note: true } }, 'metadata.annotations.note'],
  ['a generation in quotes', { generation: '1' }, 'metadata.generation'],
  ['half a generation', { generation: 1.5 }, 'metadata.generation'],
  ['a creation time in words', { creationTimestamp: 'yesterday' }, 'metadata.creationTimestamp'],
  ['a date without a time', { creationTimestamp: '2024-01-31' }, 'metadata.creationTimestamp'],
  ['the 30th of February', { creationTimestamp: '2024-02-30T12:00:00Z' }, 'metadata.creationTimestamp'],
  ['a uid of a number', { uid: 5 }, 'metadata.uid'],
  ['a resourceVersion of a number', { resourceVersion: 5 }, 'metadata.resourceVersion'],
  ['a generateName of a number', { generateName: 5 }, 'metadata.generateName'],
  ['a generateName in capitals', { generateName: 'JFT-' }, 'metadata.generateName'],
  ['a finalizer with a blank', { finalizers: ['a b'] }, 'metadata.finalizers[0]'],
  ['one finalizer instead of a list', { finalizers: 'example.com/a' }, 'metadata.finalizers'],
  ['finalizers that contradict', { finalizers: ['orphan', 'foregroundDeletion'] }, 'metadata.finalizers'],
  ['an owner without its uid', { ownerReferences: [{ ...owner, uid: undefined }] }, 'metadata.ownerReferences[0].uid'],
  ['an owner of no version', { ownerReferences: [{ ...owner, apiVersion: 'a/b/c' }] }, 'metadata.ownerReferences[0].apiVersion'],
  ['an owner with a field of its own', { ownerReferences: [{ ...owner, group: 'a' }] }, 'metadata.ownerReferences[0].group'],
  ['an event as owner', { ownerReferences: [{ ...owner, kind: 'Event' }] }, 'metadata.ownerReferences[0]'],
  ['two controllers', { ownerReferences: [1, 2].map((uid) => ({ ...owner, uid: `${uid}`, controller: true })) }, 'metadata.ownerReferences'],
  ['managed fields that are none', { managedFields: [{ foo: 1 }] }, 'metadata.managedFields[0].foo'],
  ['a field that no metadata has', { clusterName: 'a' }, 'metadata.clusterName'],
] // biome-ignore format: one line a case
