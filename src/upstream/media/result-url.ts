import { isOwnHost } from '../own-host.ts'

/** The absolute URL of a result file. @returns undefined for what is none */
export function resultUrl(text: string, baseUrl: string): URL | undefined {
  const url = URL.parse(text, baseUrl)
  return url && ['http:', 'https:'].includes(url.protocol) ? url : undefined
}

/** Source: UPSTREAM 5.6, files */
export const needsCookie = (url: URL, baseUrl: string): boolean =>
  isOwnHost(url, baseUrl) && url.pathname.startsWith('/api/')

/** Finds result files in words. They are a model's: only what can be a file of the site counts, not any URL that it was
 *  talked into. Source: UPSTREAM 5.6, 5.7 (fallback places) */
export function findResultUrls(text: string, baseUrl: string): readonly URL[] {
  const urls = Array.from(text.matchAll(urlPattern), ([found]) => resultUrl(found, baseUrl))
  const own = urls.filter((url) => url !== undefined && isResultFile(url, baseUrl)) as URL[]
  return [...new Map(own.map((url) => [url.href, url])).values()]
}

const urlPattern = /(?:https?:\/\/|(?<![\w/.:-])\/api\/files\/)[^\s<>()[\]{}"'`\\|]+/g

const storageHost = /^genspark[\w-]*(?:\.[\w-]+)?\.(?:azurefd\.net|blob\.core\.windows\.net)$/

const fileName = /\.(?:png|jpe?g|webp|gif|avif|mp4|webm|mov)$/i

function isResultFile(url: URL, baseUrl: string): boolean {
  if (isOwnHost(url, baseUrl)) return url.pathname.startsWith('/api/files/')
  return storageHost.test(url.hostname) && fileName.test(url.pathname)
}
