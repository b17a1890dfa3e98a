import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { ofKind, podSpecOf, type Rendered, render, skip, template, type Values } from './chart.ts'

suite('scrape annotations', { skip }, () => {
  const deploymentOf = (values: Values) => ofKind(render(values), 'Deployment')[0] as Rendered
  const annotationsOf = (values: Values) => {
    const { template } = deploymentOf(values).spec as { template: { metadata: Rendered['metadata'] } }
    const entries = Object.entries(template.metadata.annotations ?? {})
    return Object.fromEntries(entries.filter(([key]) => key.startsWith('prometheus.io/')))
  }
  const argsOf = (values: Values) => podSpecOf(deploymentOf(values)).containers[0]?.args ?? []
  const wanted = { metrics: { scrapeAnnotations: true } }

  test("are on the operator's pod, and the operator writes them on those of jobs, only if the value asks for it", () => {
    assert.deepEqual([annotationsOf({}), argsOf({}).includes('--scrape-annotations')], [{}, false])
    assert.deepEqual(annotationsOf({ ...wanted, http: { port: 8081 } }), {
      'prometheus.io/scrape': 'true',
      'prometheus.io/port': '8081',
      'prometheus.io/path': '/metrics',
      'prometheus.io/scheme': 'http',
    })
    assert.ok(argsOf(wanted).includes('--scrape-annotations'))
  })

  test('are those of podAnnotations if these have them, too', () => {
    const own = { 'prometheus.io/scheme': 'https', 'prometheus.io/port': '8443' }
    const { 'prometheus.io/scheme': scheme, 'prometheus.io/port': port } = annotationsOf({
      ...wanted,
      podAnnotations: own,
    })
    assert.deepEqual([scheme, port], ['https', '8443'])
  })
})

suite('values that Prometheus could not work with are refused with a message that names them', { skip }, () => {
  const refusals: [string, Values, RegExp][] = [
    [
      'a timeout that is longer than the interval',
      { podMonitor: { enabled: true, interval: '900ms', scrapeTimeout: '1s' } },
      /metrics\.podMonitor: scrapeTimeout 1s is longer than interval 900ms/,
    ],
    [
      'the same by default',
      { serviceMonitor: { enabled: true, interval: '5s' } },
      /metrics\.serviceMonitor: scrapeTimeout/,
    ],
    ['an interval without unit', { podMonitor: { interval: '15' } }, /\/metrics\/podMonitor\/interval/],
    ['a scheme that does not exist', { podMonitor: { scheme: 'ftp' } }, /\/metrics\/podMonitor\/scheme/],
    [
      'an alert that does not exist',
      { prometheusRule: { alerts: { DownpourWorkersSlow: {} } } },
      /invalid propertyName 'DownpourWorkersSlow'/,
    ],
    [
      'a field that alerts do not have',
      { prometheusRule: { alerts: { DownpourWorkerSlow: { treshold: 3 } } } },
      /\/metrics\/prometheusRule\/alerts\/DownpourWorkerSlow.*treshold/,
    ],
    ['a label that Prometheus does not allow', { clusterLabel: 'k8s-cluster' }, /\/metrics\/clusterLabel/],
    ['a text for true', { scrapeAnnotations: 'true' }, /\/metrics\/scrapeAnnotations/],
  ]
  for (const [what, metrics, message] of refusals) {
    test(what, () => {
      const { status, stderr } = template({ metrics })
      assert.notEqual(status, 0)
      assert.match(stderr, message)
    })
  }

  test('units are compared, not digits', () => {
    for (const [interval, scrapeTimeout] of [
      ['1m', '59s'],
      ['1h', '60m'],
      ['1s', '1000ms'],
    ])
      assert.equal(template({ metrics: { podMonitor: { enabled: true, interval, scrapeTimeout } } }).status, 0)
  })
})
