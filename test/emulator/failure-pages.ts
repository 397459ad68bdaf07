/** A Cloudflare challenge (F6, A3). `fixture` is that of WIRE 4.11; each other variant bears a single mark of one. */
export function challengePage(variant: string): string {
  const heads: Record<string, string> = {
    fixture: '<title>Just a moment...</title></head><body><script>window._cf_chl_opt={}</script>',
    title: '<title>Just a moment...</title></head><body>',
    options: '</head><body><script>window._cf_chl_opt={}</script>',
    orchestrate:
      '</head><body><script src="/cdn-cgi/challenge-platform/h/b/orchestrate/chl_page/v1"></script>',
    platform: '</head><body><script src="/cdn-cgi/challenge-platform/scripts/jsd/main.js"></script>',
    refresh: '<meta http-equiv="refresh" content="360"></head><body>',
    'just-a-moment': '<title>Just a moment...</title></head><body>',
    'challenge-platform':
      '</head><body><script src="/cdn-cgi/challenge-platform/scripts/jsd/main.js"></script>',
    'attention-required': '<title>Attention Required! | Cloudflare</title></head><body>',
  }
  const head = heads[variant]
  if (head === undefined) throw new Error(`no challenge page ${variant}`)
  return `<!DOCTYPE html><html lang="en-US"><head>${head}</body></html>`
}

/** F7 */
export const blockPage =
  '<!DOCTYPE html><html lang="en-US"><head><title>Attention Required! | Cloudflare</title></head><body><h1 data-translate="block_headline">Sorry, you have been blocked</h1></body></html>'

/** F8, the fixture of WIRE 4.11 */
export const servicePage =
  '<!doctype html><html><head><title>Genspark</title></head><body><div class="bb"><div class="s1"></div><div class="s2"></div><div class="s3"></div></div><div class="tt">Service Unavailable</div></body></html>'
