import type { CDPSession } from 'playwright'

/** Fonts, media and, in a browser that shows them, pictures go by their names. Not by the Fetch domain: a second
 *  user of it beside Playwright's own makes Chromium 150 cancel the login of a proxy with a password. */
export async function blockHeavyFiles(session: CDPSession, withoutPictures: boolean): Promise<void> {
  const endings = withoutPictures ? [...heavyFiles, ...pictures] : heavyFiles
  await session.send('Network.enable', { maxTotalBufferSize: 0, maxResourceBufferSize: 0 })
  await session.send('Network.setBlockedURLs', { urls: endings.map((ending) => `*.${ending}*`) })
}

const heavyFiles = ['woff', 'woff2', 'ttf', 'otf', 'mp4', 'webm', 'mp3', 'ogg']
const pictures = ['png', 'jpg', 'jpeg', 'gif', 'webp', 'avif', 'svg', 'ico']
