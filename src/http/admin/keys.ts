import { z } from 'zod'
import type { Config } from '../../config.ts'
import { InvalidRequestError } from '../../core/errors.ts'
import { checkShape } from '../../dialects/check-shape.ts'
import type { NamedKey, NamedKeyLimits } from '../../store/named-keys.ts'
import type { AppServices } from '../app-services.ts'
import { readJson } from '../read-body.ts'
import type { RequestContext } from '../request-state.ts'
import type { AdminContext } from './context.ts'

const limits = {
  note: z.string().trim().max(500).nullish(),
  models: z.array(z.string().trim().min(1).max(200)).min(1).max(500).nullish(),
  requests_per_minute: z.number().int().min(1).max(1_000_000).nullish(),
  max_concurrent: z.number().int().min(1).max(10_000).nullish(),
  expires_at: z.iso.datetime({ offset: true }).nullish(),
  paused: z.boolean().optional(),
}
const name = z.string().trim().min(1).max(100)
const madeSchema = z.strictObject({ name, ...limits })
const changeSchema = z.strictObject({ name: name.optional(), ...limits })

/** Clients' keys that are made while the service runs. */
export function createKeyHandlers(
  { maxBodyBytes, apiSecrets }: Pick<Config, 'maxBodyBytes' | 'apiSecrets'>,
  { namedKeys, clock }: Pick<AppServices, 'namedKeys' | 'clock'>,
) {
  return {
    async list(context: RequestContext): Promise<void> {
      await namedKeys.load()
      context.body = {
        object: 'list',
        data: [
          ...namedKeys.list().map((each) => encodeKey(each, clock.now())),
          ...apiSecrets.map((_, index) => settingsKey(index)),
        ],
      }
    },

    async make(context: RequestContext): Promise<void> {
      const { name, ...rest } = checkShape(madeSchema, await readJson(context, maxBodyBytes))
      const { named, key } = await namedKeys.make({ ...parseLimits(rest), name })
      context.status = 201
      context.body = { ...encodeKey(named, clock.now()), key }
    },

    async change(context: AdminContext): Promise<void> {
      const { name, ...rest } = checkShape(changeSchema, await readJson(context, maxBodyBytes))
      const change = { ...parseLimits(rest), ...(name !== undefined && { name }) }
      context.body = encodeKey(await namedKeys.change(idOf(context), change), clock.now())
    },

    async remove(context: AdminContext): Promise<void> {
      await namedKeys.remove(idOf(context))
      context.body = { object: 'key', id: idOf(context), deleted: true }
    },
  }
}

function idOf({ params: { id = '' } }: AdminContext): string {
  if (!id.startsWith('key_')) throw new InvalidRequestError('not_found', { message: fromSettings })
  return id
}

const fromSettings = 'Only keys that were made here can be changed; those of API_SECRET are in the settings.'

/** What is absent stays as it is; null takes a limit away. */
function parseLimits(given: Omit<z.infer<typeof changeSchema>, 'name'>): NamedKeyLimits {
  const { note, models, requests_per_minute, max_concurrent, expires_at, paused } = given
  return {
    ...(note !== undefined && { note: note ?? undefined }),
    ...(models !== undefined && { models: models ?? undefined }),
    ...(requests_per_minute !== undefined && { requestsPerMinute: requests_per_minute ?? undefined }),
    ...(max_concurrent !== undefined && { maxConcurrent: max_concurrent ?? undefined }),
    ...(expires_at !== undefined && { expiresMs: expires_at ? Date.parse(expires_at) : undefined }),
    ...(paused !== undefined && { isPaused: paused }),
  }
}

function encodeKey(key: NamedKey, nowMs: number) {
  const isOver = key.expiresMs !== undefined && key.expiresMs <= nowMs
  return {
    object: 'key',
    id: key.id,
    name: key.name,
    note: key.note ?? null,
    state: key.isPaused ? 'paused' : isOver ? 'expired' : 'active',
    source: 'added',
    created_at: new Date(key.createdMs).toISOString(),
    expires_at: key.expiresMs === undefined ? null : new Date(key.expiresMs).toISOString(),
    models: key.models ?? null,
    requests_per_minute: key.requestsPerMinute ?? null,
    max_concurrent: key.maxConcurrent ?? null,
  }
}

const settingsKey = (index: number) => ({
  object: 'key',
  id: `setting_${index + 1}`,
  name: `API_SECRET #${index + 1}`,
  state: 'active',
  source: 'settings',
})
