import { access, constants } from 'node:fs/promises'

/** Looks for an installed Chromium, in order of preference.
 *  @param bundled  where Playwright would keep its own; it may not be there
 *  @returns undefined when there is none */
export async function findChromium(bundled: string): Promise<string | undefined> {
  for (const path of [bundled, ...usualPaths]) {
    if (await isExecutable(path)) return path
  }
  return undefined
}

const names = [
  'chromium',
  'chromium-browser',
  'google-chrome-stable',
  'google-chrome',
  'chrome',
  'microsoft-edge',
]
const folders = [
  '/usr/bin',
  '/usr/local/bin',
  '/usr/lib/chromium',
  '/snap/bin',
  '/opt/google/chrome',
  '/opt/homebrew/bin',
]

const usualPaths = [
  ...names.flatMap((name) => folders.map((folder) => `${folder}/${name}`)),
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  'C:/Program Files/Google/Chrome/Application/chrome.exe',
  'C:/Program Files (x86)/Microsoft/Edge/Application/msedge.exe',
]

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK)
    return path !== ''
  } catch {
    return false
  }
}
