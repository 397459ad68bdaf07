import { UpstreamError } from '../../core/errors.ts'
import { callSite, type SiteAccess } from '../site-calls.ts'
import type { DeviceAnswer, DeviceCode } from '../upstream.ts'

/** Nobody asks more often, or waits for longer, whatever the site says. */
const leastPollMs = 1_000
const mostPollMs = 30_000
const longestWaitMs = 30 * 60_000

/** Source: WIRE 11.10. @throws {UpstreamError} */
export async function requestDeviceCode(access: SiteAccess, signal: AbortSignal): Promise<DeviceCode> {
  const path = '/api/cli_auth/device_code'
  const answer = await callSite(access, { path, account: undefined, method: 'POST', signal })
  const { device_code: deviceCode, auth_url, poll_interval, expires_in } = answer
  const authUrl = typeof auth_url === 'string' ? URL.parse(auth_url) : null
  const isOurs = authUrl !== null && authUrl.host === new URL(access.baseUrl).host
  if (typeof deviceCode !== 'string' || deviceCode === '' || !isOurs || !/^https?:$/.test(authUrl.protocol))
    throw new UpstreamError('malformed', {
      message: 'Genspark did not begin a sign-in that this service understands.',
    })
  return {
    deviceCode,
    authUrl: authUrl.href,
    pollMs: Math.min(Math.max(msOf(poll_interval, 5), leastPollMs), mostPollMs),
    expiresInMs: Math.min(msOf(expires_in, 600), longestWaitMs),
  }
}

const msOf = (seconds: unknown, otherwise: number): number =>
  (typeof seconds === 'number' && seconds > 0 ? seconds : otherwise) * 1000

/** @throws {UpstreamError} when the site does not say */
export async function askDeviceCode(
  access: SiteAccess,
  { deviceCode }: Pick<DeviceCode, 'deviceCode'>,
  signal: AbortSignal,
): Promise<DeviceAnswer> {
  const path = `/api/cli_auth/token?code=${encodeURIComponent(deviceCode)}`
  const { status, api_key: apiKey } = await callSite(access, { path, account: undefined, signal })
  if (status === 'expired') return { status }
  if (status === 'approved' && typeof apiKey === 'string' && apiKey !== '') return { status, apiKey }
  return { status: 'pending' }
}
