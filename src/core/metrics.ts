// The four files that are needed: the package as a whole also loads OpenTelemetry's interface, for default metrics not used here.
import Counter from 'prom-client/lib/counter.js'
import Gauge from 'prom-client/lib/gauge.js'
import Histogram from 'prom-client/lib/histogram.js'
import Registry from 'prom-client/lib/registry.js'
import { version } from './version.ts'

export type Metrics = ReturnType<typeof createMetrics>

/** Every figure that the service counts, made once a service. Labels never hold a secret or a client's words. */
export function createMetrics() {
  const registry = new Registry()
  const registers = [registry]
  new Gauge({
    name: 'genspark2api_build_info',
    help: 'Always 1; the version is a label',
    labelNames: ['version'] as const,
    registers,
  }).set({ version }, 1)
  return {
    registry,
    requests: new Counter({
      name: 'genspark2api_requests_total',
      help: 'HTTP requests by route and status',
      labelNames: ['route', 'status'] as const,
      registers,
    }),
    attempts: new Counter({
      name: 'genspark2api_attempts_total',
      help: 'Upstream attempts by wire generation and outcome (ok, aborted or a failure kind)',
      labelNames: ['generation', 'outcome'] as const,
      registers,
    }),
    firstEventSeconds: new Histogram({
      name: 'genspark2api_first_event_seconds',
      help: 'From the parsed request to the first event of its answer',
      buckets: [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120],
      registers,
    }),
    requestsInFlight: new Gauge({
      name: 'genspark2api_requests_in_flight',
      help: 'HTTP requests whose response has not ended, this one included',
      registers,
    }),
    unknownEvents: new Counter({
      name: 'genspark2api_unknown_upstream_events_total',
      help: 'Upstream events of a type or field that this version does not know, ignored',
      labelNames: ['generation'] as const,
      registers,
    }),
    servedModelMismatches: new Counter({
      name: 'genspark2api_served_model_mismatches_total',
      help: 'Answers of which the site named another model than the one asked for, by the model asked for',
      labelNames: ['model'] as const,
      registers,
    }),
    tokensMinted: new Counter({
      name: 'genspark2api_recaptcha_tokens_total',
      help: 'reCAPTCHA tokens by outcome (minted, failed, expired)',
      labelNames: ['outcome'] as const,
      registers,
    }),
    tokenWaitSeconds: new Histogram({
      name: 'genspark2api_recaptcha_token_wait_seconds',
      help: 'How long an attempt waited for its token',
      buckets: [0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers,
    }),
    tokenlessAsks: new Counter({
      name: 'genspark2api_tokenless_asks_total',
      help: 'Asked upstream without a token since none could be had (TOKEN_REQUIRED=false)',
      registers,
    }),
    recaptchaFailing: new Gauge({
      name: 'genspark2api_recaptcha_failing',
      help: 'Whether asks of some account fail at once since no reCAPTCHA token can be made (1), until a probe makes one (0)',
      registers,
    }),
    browserLaunches: new Counter({
      name: 'genspark2api_browser_launches_total',
      help: 'Chromium launches by outcome (ok, failed)',
      labelNames: ['outcome'] as const,
      registers,
    }),
    browserEvictions: new Counter({
      name: 'genspark2api_browser_evictions_total',
      help: 'Browser pages closed so that another account gets the place (BROWSER_MAX_PAGES)',
      registers,
    }),
    redisUp: new Gauge({
      name: 'genspark2api_redis_up',
      help: 'Whether the Redis that the replicas share is in use, by REDIS_DOWN_MODE; absent without REDIS_URL',
      labelNames: ['mode'] as const,
      registers,
    }),
    redisOpenings: new Counter({
      name: 'genspark2api_redis_openings_total',
      help: 'How often Redis was found away',
      registers,
    }),
  }
}
