import { expect, test } from 'vitest'
import { z } from 'zod'
import { parseConfig } from '../../src/config.ts'
import { image, isProbe, readProjectFile, unknownSettings } from '../support/deployment.ts'
import { parseYamlDocuments } from '../support/parse-yaml.ts'

const documents = parseYamlDocuments(readProjectFile('deploy/kubernetes.yaml'))
const find = (kind: string): Record<string, unknown> => {
  const found = documents.filter((document) => document.kind === kind)
  expect(found).toHaveLength(1)
  return found[0] ?? {}
}

const texts = z.record(z.string(), z.string())
const environment = {
  ...texts.parse(find('ConfigMap').data),
  ...texts.parse(find('Secret').stringData),
}

const probe = z.looseObject({ httpGet: z.object({ path: z.string(), port: z.literal('http') }) })
const podSchema = z.looseObject({
  terminationGracePeriodSeconds: z.number(),
  containers: z.tuple([
    z.looseObject({
      startupProbe: probe,
      livenessProbe: probe,
      readinessProbe: probe,
      lifecycle: z.object({
        preStop: z.object({ exec: z.object({ command: z.tuple([z.literal('sleep'), z.string()]) }) }),
      }),
    }),
  ]),
})
const deployment = z
  .looseObject({ template: z.looseObject({ metadata: z.unknown(), spec: podSchema }) })
  .parse(find('Deployment').spec)
const pod = deployment.template.spec
const [container] = pod.containers

test('there is nothing in the file but what its page tells of', () => {
  expect(documents.map(({ kind }) => kind)).toEqual([
    'Secret',
    'ConfigMap',
    'Deployment',
    'Service',
    'Ingress',
    'HorizontalPodAutoscaler',
    'PodDisruptionBudget',
  ])
})

test('every variable is a setting, with a value that the service takes', () => {
  expect(unknownSettings(Object.keys(environment))).toEqual([])
  expect(parseConfig(environment).port).toBe(image.port)
  expect(Object.keys(environment)).toContain('REDIS_URL')
  expect(container).toMatchObject({
    envFrom: [{ configMapRef: { name: 'genspark2api' } }, { secretRef: { name: 'genspark2api' } }],
  })
})

test('secrets are in the Secret alone', () => {
  expect(Object.keys(texts.parse(find('Secret').stringData))).toEqual([
    'GS_COOKIE',
    'API_SECRET',
    'REDIS_URL',
  ])
})

test('port and probes are those of the image', () => {
  expect(container).toMatchObject({ ports: [{ name: 'http', containerPort: image.port }] })
  const { startupProbe, livenessProbe, readinessProbe } = container
  const paths = [startupProbe, livenessProbe, readinessProbe].map(({ httpGet }) => httpGet.path)
  expect(paths).toEqual(['/livez', '/livez', '/readyz'])
  expect(paths.filter((path) => !isProbe(path))).toEqual([])
})

test('the pod has more time to end than its pause and its streams may take', () => {
  const pauseSeconds = Number(container.lifecycle.preStop.exec.command[1])
  const graceSeconds = parseConfig(environment).shutdownGraceMs / 1000
  expect(pauseSeconds).toBeGreaterThan(0)
  expect(pod.terminationGracePeriodSeconds).toBeGreaterThan(pauseSeconds + graceSeconds)
})

test('the pod has no rights that it does not need', () => {
  expect(pod).toMatchObject({
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: 1000,
      fsGroup: 1000,
      seccompProfile: { type: 'RuntimeDefault' },
    },
  })
  expect(container).toMatchObject({
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    },
  })
})

test('the two places that are written to are mounted, with a bound', () => {
  expect(container).toMatchObject({
    volumeMounts: [
      { name: 'tmp', mountPath: '/tmp' },
      { name: 'data', mountPath: image.volume },
    ],
    resources: { requests: { cpu: '250m', memory: '1Gi' }, limits: { memory: '1536Mi' } },
  })
  expect(pod).toMatchObject({
    volumes: [
      { name: 'tmp', emptyDir: { sizeLimit: '1Gi' } },
      { name: 'data', emptyDir: { sizeLimit: '256Mi' } },
    ],
  })
})

test('requests reach any replica, unbuffered', () => {
  const labels = { 'app.kubernetes.io/name': 'genspark2api' }
  expect(deployment).toMatchObject({
    selector: { matchLabels: labels },
    template: { metadata: { labels } },
  })
  expect(find('Service').spec).toEqual({
    selector: labels,
    ports: [{ name: 'http', port: 80, targetPort: 'http' }],
  })
  const { maxBodyBytes, totalTimeoutMs } = parseConfig(environment)
  expect(find('Ingress')).toMatchObject({
    metadata: {
      annotations: {
        'nginx.ingress.kubernetes.io/proxy-buffering': 'off',
        'nginx.ingress.kubernetes.io/proxy-read-timeout': String(totalTimeoutMs / 1000),
        'nginx.ingress.kubernetes.io/proxy-body-size': `${maxBodyBytes / 2 ** 20}m`,
      },
    },
    spec: {
      rules: [
        {
          http: {
            paths: [{ path: '/', backend: { service: { name: 'genspark2api', port: { name: 'http' } } } }],
          },
        },
      ],
    },
  })
})

test('replicas come and go, one at a time and never all', () => {
  expect(deployment).not.toHaveProperty('replicas')
  expect(find('HorizontalPodAutoscaler').spec).toMatchObject({
    scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'genspark2api' },
    minReplicas: 2,
    maxReplicas: 8,
  })
  expect(find('PodDisruptionBudget').spec).toMatchObject({ maxUnavailable: 1 })
})
