import type { ApiKeyAccount } from '../../core/account.ts'
import { UpstreamError } from '../../core/errors.ts'
import { callSite, checkKey, type SiteAccess } from '../site-calls.ts'
import type { AccountCheck } from '../upstream.ts'
import { fetchKeyModelIds } from './models.ts'

/** May the key chat? Its profile and its list of models answer for a plan without an API too, so that a chat of one token is
 *  asked. Contract: `Upstream.checkAccount`. Source: WIRE 11 */
export async function checkKeyChats(
  access: SiteAccess,
  account: ApiKeyAccount,
  signal: AbortSignal,
): Promise<AccountCheck> {
  const login = await checkKey(access, account, signal)
  if (login === 'signed-out') return login
  try {
    const models = await fetchKeyModelIds(access, account, signal)
    const body = {
      model: cheapest(models),
      messages: [{ role: 'user', content: 'Hi' }],
      max_tokens: 1,
      stream: false,
    }
    await callSite(access, { path: '/api/llm_proxy/v1/chat/completions', account, body, signal })
    return 'signed-in'
  } catch (error) {
    if (!(error instanceof UpstreamError)) throw error
    if (error.kind === 'plan-blocked' || error.kind === 'signed-out') return error.kind
    if (error.kind === 'quota-spent') return 'credits-spent'
    // Refused for what it asks, not for who asks: a model that takes no limit of one token.
    if (error.kind === 'bad-request') return 'signed-in'
    throw error
  }
}

/** Of those at the price of a fifth of a credit, as the site lists them (WIRE 9.4); else whichever comes first. */
const cheapest = (models: readonly string[]): string =>
  cheap.find((id) => models.includes(id)) ?? models[0] ?? 'gpt-5.4-nano'

const cheap = ['gpt-5.4-nano', 'gpt-5.6-luna', 'gpt-5.4-mini', 'minimax-m3']
