import { UpstreamError } from '../../core/errors.ts'

/** What an HTML page in place of an answer is; `undefined` for text that is no page.
 *  Source: UPSTREAM 4.11 F6 to F8, 5.10 A3 */
export function recognisePage(text: string): UpstreamError | undefined {
  if (!isPage(text)) return undefined
  if (challengeMarks.some((mark) => mark.test(text))) return new UpstreamError('challenged')
  if (serviceMarks.filter((mark) => mark(text)).length >= 3) return new UpstreamError('unavailable')
  return undefined
}

export const isPage = (text: string): boolean => /^\s*<(?:!doctype|html)\b/i.test(text)

const challengeMarks = [
  /block_headline|you have been blocked/i,
  /<title>\s*(?:Just a moment|Attention Required)/i,
  /_cf_chl_opt/,
  /challenge-platform/,
  /<meta\b[^>]*http-equiv=["']?refresh/i,
]

const serviceMarks: readonly ((text: string) => boolean)[] = [
  (text) => /<title>\s*Genspark\s*<\/title>/i.test(text),
  (text) => text.includes('Service Unavailable'),
  (text) =>
    (text.match(/class="(?:bb|s[123])"/g) ?? [])
      .join()
      .includes('class="bb",class="s1",class="s2",class="s3"'),
  (text) => text.includes('genspark_logo.png'),
  (text) => /gensparkpublicblob-cdn[\w.-]*azurefd\.net/.test(text),
  (text) => /<div class="tt">\s*Service Unavailable\s*<\/div>/.test(text),
]
