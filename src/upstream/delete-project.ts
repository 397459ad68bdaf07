import type { CookieAccount } from '../core/account.ts'
import { UpstreamError } from '../core/errors.ts'
import { callSite, type SiteAccess } from './call-site.ts'

/** Contract: `Upstream.deleteProject`. One that is gone already is deleted. Source: UPSTREAM 4.10, 5.8 */
export async function deleteProject(
  access: SiteAccess,
  account: CookieAccount,
  { projectId, signal }: { readonly projectId: string; readonly signal: AbortSignal },
): Promise<void> {
  const path = `/api/project/delete?project_id=${encodeURIComponent(projectId)}`
  const { status, message } = await callSite(access, { path, account, signal })
  const isDone = status === undefined || status === 0 || /not found|not exist/i.test(String(message))
  if (!isDone) throw new UpstreamError('malformed', { message: 'Genspark did not delete the chat.' })
}
