import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type ParsedCookies, parseCookieInput, parseCookieList } from '../../src/accounts/import-accounts.ts'
import { InvalidRequestError } from '../../src/core/errors.ts'

const cookiesOf = ({ accounts }: ParsedCookies): string[] => accounts.map(({ cookie }) => cookie)

describe('a comma list', () => {
  it.each<[string, string[]]>([
    ['', []],
    [' , ,', []],
    ['abc', ['session_id=abc']],
    ['abc,def', ['session_id=abc', 'session_id=def']],
    [' abc ,\n def\n', ['session_id=abc', 'session_id=def']],
    ['abc:4f,d-e_f.0%3D', ['session_id=abc:4f', 'session_id=d-e_f.0%3D']],
    ['YWJjZGVmZ2hpamtsbW4=,def', ['session_id=YWJjZGVmZ2hpamtsbW4=', 'session_id=def']],
    ['session_id=abc', ['session_id=abc']],
    ['session_id=abc,def,session_id=ghi', ['session_id=abc', 'session_id=def', 'session_id=ghi']],
    ['__Secure-next-auth.session-token=abc', ['__Secure-next-auth.session-token=abc']],
    ['Cookie: c1=1; session_id=abc; c2=2', ['c1=1; session_id=abc; c2=2']],
    ['cookie:session_id=abc,Cookie: session_id=def; c1=1', ['session_id=abc', 'session_id=def; c1=1']],
    ['session_id=abc;c1=1 ; ;; c2 = 2;', ['session_id=abc; c1=1; c2=2']],
    ['session_id=abc; c1=; c2=2', ['session_id=abc; c2=2']],
    ['"session_id=abc; c1=1"', ['session_id=abc; c1=1']],
    ['session_id=abc; c1=YQ==; c2=b=c', ['session_id=abc; c1=YQ==; c2=b=c']],
  ])('%j', (text, cookies) => {
    expect(parseCookieList(text)).toEqual({ accounts: expect.anything(), problems: [] })
    expect(cookiesOf(parseCookieList(text))).toEqual(cookies)
  })

  it.each<[string, string, string[]]>([
    ['continues a value', 'session_id=a; c1=1,2; c2=3', ['session_id=a; c1=1,2; c2=3']],
    [
      'continues a date',
      'session_id=a; t=Mon, 23 Nov 2026; c2=3',
      ['session_id=a; t=Mon, 23 Nov 2026; c2=3'],
    ],
    ['continues JSON', 'session_id=a; p={"x":1,"y":[2,3]}', ['session_id=a; p={"x":1,"y":[2,3]}']],
    ['stands within quotes', 'session_id=a; p="x,session_id=y,z"', ['session_id=a; p="x,session_id=y,z"']],
    ['is doubled within a value', 'p=x,,y z; session_id=a', ['p=x,,y z; session_id=a']],
    ['comes before the session', 'p=x,y=1; session_id=a', ['p=x,y=1; session_id=a']],
    ['begins a bare id', 'session_id=a; c1=1,def', ['session_id=a; c1=1', 'session_id=def']],
    [
      'begins a session',
      'session_id=a; c1=1,session_id=b; c1=2',
      ['session_id=a; c1=1', 'session_id=b; c1=2'],
    ],
    [
      'begins a header with its own session',
      'c1=1; session_id=a,c1=2; session_id=b',
      ['c1=1; session_id=a', 'c1=2; session_id=b'],
    ],
  ])('a comma %s', (_name, text, cookies) => {
    expect(cookiesOf(parseCookieList(text))).toEqual(cookies)
  })

  it('takes one account for a header without a session, and says so', () => {
    const parsed = parseCookieList('a=1; b=2,c=3')
    expect(cookiesOf(parsed)).toEqual(['a=1; b=2,c=3'])
    expect(parsed.problems).toEqual([
      'item 1: no session_id among its cookies, so the site will hardly know it',
    ])
  })

  it('G8: finds duplicates, also in other spacing and among other cookies', () => {
    const parsed = parseCookieList('abc, session_id=abc ,def,Cookie: c1=1;session_id=abc')
    expect(cookiesOf(parsed)).toEqual(['session_id=abc', 'session_id=def'])
    expect(parsed.problems).toEqual([
      expect.stringMatching(/^item 2: the same account as item 1 \(acc_[0-9a-f]{8}\)$/),
      expect.stringMatching(/^item 4: the same account as item 1 \(acc_[0-9a-f]{8}\)$/),
    ])
  })

  it('the same cookie in other spacing has the same key', () => {
    const [first] = parseCookieList('session_id=abc; c1=1').accounts
    const [second] = parseCookieList('  Cookie:session_id = abc;;c1=1; ').accounts
    expect(first?.key).toBe(second?.key)
  })

  it('leaves out what cannot be read and takes the rest', () => {
    const parsed = parseCookieList('abc,d\r\ne,geheim-ü,session_id=,def')
    expect(cookiesOf(parsed)).toEqual(['session_id=abc', 'session_id=def'])
    expect(parsed.problems).toEqual([
      'item 2: The cookie holds a line break at character 2.',
      expect.stringMatching(/^item 3: The cookie holds a character outside ASCII .* at character 8\.$/),
      'item 4: The cookie is empty.',
    ])
  })
})

describe('a proxy', () => {
  const proxiesOf = ({ accounts }: ParsedCookies) =>
    accounts.map(({ cookie, proxyUrl }) => [cookie, proxyUrl])

  it.each<[string, [string, string | undefined][]]>([
    ['abc@http://p:1', [['session_id=abc', 'http://p:1']]],
    [
      'abc@http://p:1,def',
      [
        ['session_id=abc', 'http://p:1'],
        ['session_id=def', undefined],
      ],
    ],
    [
      'abc,def@https://u:w%40x@p:1 ',
      [
        ['session_id=abc', undefined],
        ['session_id=def', 'https://u:w%40x@p:1'],
      ],
    ],
    [
      'session_id=abc; c1=me@home@socks5://u:p@[::1]:1080,def@SOCKS5://p:2',
      [
        ['session_id=abc; c1=me@home', 'socks5://u:p@[::1]:1080'],
        ['session_id=def', 'SOCKS5://p:2'],
      ],
    ],
    [
      'abc@http://u:p=w@h:1,def@http://u:p=w@h:1',
      [
        ['session_id=abc', 'http://u:p=w@h:1'],
        ['session_id=def', 'http://u:p=w@h:1'],
      ],
    ],
    ['back=me@http://p; session_id=abc', [['back=me@http://p; session_id=abc', undefined]]],
    ['session_id=a@b', [['session_id=a@b', undefined]]],
  ])('%j', (text, accounts) => {
    expect(parseCookieList(text).problems).toEqual([])
    expect(proxiesOf(parseCookieList(text))).toEqual(accounts)
  })

  it.each(['socks4://p:1', 'http://p:99999', 'http://', 'http://p:1/path', 'http://p:1?q'])(
    'one that cannot be used (%s) is a fault, never left out',
    (proxy) => {
      const parsed = parseCookieList(`canary@${proxy},def`)
      expect(cookiesOf(parsed)).toEqual(['session_id=def'])
      expect(parsed.problems).toEqual([expect.stringMatching(/^item 1: The proxy must be a URL such as/)])
      expect(parsed.problems.join('')).not.toContain('canary')
    },
  )

  it('is no part of what makes an account', () => {
    const parsed = parseCookieList('abc@http://p:1,abc@http://p:2')
    expect(proxiesOf(parsed)).toEqual([['session_id=abc', 'http://p:1']])
    expect(parsed.accounts[0]?.key).toBe(parseCookieList('abc').accounts[0]?.key)
  })
})

describe('handed in', () => {
  it.each([
    ['a carriage return', 'session_id=canary\rx', /a line break at character 18/],
    ['a line feed', 'session_id=canary\nx: y', /a line break/],
    ['words', 'canary is no cookie', /is none/],
    ['a page', '<html>canary</html>', /is none/],
    ['an address', 'https://canary.test/', /is none/],
    ['a curl command without one', 'curl https://x -b canary.txt', /curl command without one/],
    ['a fetch call without one', 'fetch("https://canary", {})', /fetch call without one/],
    ['a NUL', 'session_id=canary\0', /a NUL/],
    ['an escape', 'session_id=canary\x1b[0m', /a control character/],
    ['a DEL', 'session_id=canary\x7f', /a control character/],
    ['a letter outside ASCII', 'session_id=canaryé', /outside ASCII .*percent-encoded/],
    ['nothing', '   ', /is empty/],
    ['64 KiB', `session_id=canary${'x'.repeat(64 * 1024)}`, /is over 16 KiB/],
    ['2 MiB', 'x'.repeat(2 * 1024 * 1024), /is over 1024 KiB/],
    ['a NUL in an export', '[{"name":"session_id","value":"canary\\u0000"}]', /a NUL/],
    ['a line feed in an export', '[{"name":"session_id","value":"canary\\nx"}]', /a line break/],
    ['a semicolon in an export', '[{"name":"session_id","value":"canary; x=1"}]', /`;`/],
    ['broken JSON', '[{"name":"session_id","value":"canary"', /not valid JSON/],
    ['other JSON', '{"id":"canary"}', /not a list of/],
    [
      'an export of another site',
      '[{"name":"session_id","value":"canary","domain":"evil-genspark.ai"}]',
      /none for www.genspark.ai/,
    ],
  ])('G8: refuses %s, without telling the cookie', (_name, text, message) => {
    const error = thrownBy(() => parseCookieInput(text, { param: 'accounts[0].cookie' }))
    expect(error).toMatchObject({ code: 'invalid_value', status: 400, param: 'accounts[0].cookie' })
    expect(error.message).toMatch(message)
    expect(error.message).not.toContain('canary')
  })

  const T = '\t'
  it.each<[form: string | undefined, text: string, ...cookies: string[]]>([
    [
      'a cookies.txt file',
      `# Netscape HTTP Cookie File\n\n#HttpOnly_.genspark.ai${T}TRUE${T}/${T}TRUE${T}1893456000${T}session_id${T}abc
.genspark.ai${T}TRUE${T}/${T}FALSE${T}0${T}c1${T}v1\n.google.com${T}TRUE${T}/${T}TRUE${T}0${T}NID${T}x\n`,
      'session_id=abc; c1=v1',
    ],
    ['a cookies.txt file', '#HttpOnly_.genspark.ai TRUE / TRUE 1893456000 session_id abc', 'session_id=abc'],
    ['JSON', '\ufeff[{"name":"session_id","value":"abc"}]', 'session_id=abc'],
    ['JSON', '{"session_id":"abc","c1":"v1"}', 'session_id=abc; c1=v1'],
    ['JSON', "{'session_id': 'abc', 'c1': 'v1'}", 'session_id=abc; c1=v1'],
    ['JSON', '{"Request Cookies":{"session_id":"abc"}}', 'session_id=abc'],
    ['JSON', '{"Response Cookies":{"session_id":{"value":"abc","path":"/"}}}', 'session_id=abc'],
    ['JSON', '["session_id=abc","def"]', 'session_id=abc', 'session_id=def'],
    [undefined, 'session_id=abc\n', 'session_id=abc'],
    [undefined, '\ufeffsession_id=abc\r\n', 'session_id=abc'],
    [undefined, 'export GS_COOKIE="session_id=abc"', 'session_id=abc'],
    [undefined, 'session_id=abc; Path=/; HttpOnly; Secure', 'session_id=abc'],
    ['a curl command', "curl 'https://www.genspark.ai/' -b 'session_id=abc; c1=v1'", 'session_id=abc; c1=v1'],
    [
      'a curl command',
      `curl 'https://www.genspark.ai/' \\\n  -H 'accept: */*' \\\n  -H 'cookie: session_id=abc; c1=v1' \\\n  --data-raw $'it\\'s'`,
      'session_id=abc; c1=v1',
    ],
    [
      'a curl command',
      'curl ^"https://www.genspark.ai/^" ^\r\n  -b ^"session_id=abc; c1=v^%^201^" ^\r\n --compressed',
      'session_id=abc; c1=v%201',
    ],
    ['a curl command', 'curl "https://x/" -H "Cookie: session_id=abc; p=\\"q\\""', 'session_id=abc; p="q"'],
    ['a curl command', "-b 'session_id=abc'", 'session_id=abc'],
    [
      'a fetch call',
      'await fetch("https://x/", {"headers": {"cookie": "session_id=abc; p=\\"q\\""}});',
      'session_id=abc; p="q"',
    ],
    [
      'a PowerShell command',
      '$session.Cookies.Add((New-Object System.Net.Cookie("session_id", "a`$b", "/", ".genspark.ai")))',
      'session_id=a$b',
    ],
    ['Set-Cookie lines', 'Set-Cookie: session_id=abc; Path=/\nset-cookie: c1=v1', 'session_id=abc; c1=v1'],
    [
      'request headers',
      'GET /api HTTP/2\nHost: x\nCookie: session_id=abc; c1=v1\nAccept: */*',
      'session_id=abc; c1=v1',
    ],
    ['request headers', ':authority:\nx\ncookie\nsession_id=abc; c1=2\naccept\n*/*', 'session_id=abc; c1=2'],
    [
      'a table of cookies',
      `session_id${T}abc${T}.genspark.ai${T}/${T}2026-12-01${T}✓\nc1${T}v1${T}www.genspark.ai${T}/`,
      'session_id=abc; c1=v1',
    ],
    ['names and values', 'session_id:abc', 'session_id=abc'],
    ['names and values', 'session_id: abc', 'session_id=abc'],
    ['names and values', '"session_id": "abc",', 'session_id=abc'],
    ['names and values', 'session_id: abc\nc1: v1', 'session_id=abc; c1=v1'],
    ['names and values', 'session_id=abc\nc1=v1', 'session_id=abc; c1=v1'],
    [
      'one account a line',
      'session_id=abc\nsession_id=def; c1=1\n',
      'session_id=abc',
      'session_id=def; c1=1',
    ],
    [
      'one account a line',
      'Cookie: session_id=abc\nCookie: session_id=def',
      'session_id=abc',
      'session_id=def',
    ],
  ])('FINDINGS A6: names the form %j and reads %j', (form, text, ...cookies) => {
    const parsed = parseCookieInput(text)
    expect([parsed.form, cookiesOf(parsed), parsed.problems]).toEqual([form, cookies, []])
    expect(cookiesOf(parseCookieList(text))).toEqual(cookies)
  })

  it('FINDINGS A6: every form of any cookies gives the same account', () => {
    const value = fc.stringMatching(/^[\w%.~:+-]{1,40}$/)
    const others = fc.uniqueArray(fc.tuple(fc.constantFrom('c1', 'c2', 'gslogin'), value), {
      selector: ([name]) => name,
    })
    fc.assert(
      fc.property(value, others, (session, rest) => {
        const pairs = [['session_id', session] as const, ...rest]
        const header = pairs.map(([name, each]) => `${name}=${each}`).join('; ')
        const json = pairs.map(([name, each]) => ({ name, value: each, domain: '.genspark.ai' }))
        const rows = pairs.map(([name, each]) =>
          ['.genspark.ai', 'TRUE', '/', 'TRUE', '0', name, each].join(T),
        )
        for (const text of [
          header,
          `Cookie: ${header}`,
          `${header}\n`,
          JSON.stringify(json),
          JSON.stringify({ url: 'https://www.genspark.ai', cookies: json }),
          JSON.stringify(Object.fromEntries(pairs)),
          rows.join('\n'),
          rows.join('\r\n').replaceAll(T, ' '),
          `curl 'https://www.genspark.ai/' -H 'accept: */*' -b '${header}'`,
          `fetch("https://x", ${JSON.stringify({ headers: { cookie: header } })})`,
          `GET / HTTP/1.1\r\nCookie: ${header}\r\n\r\n`,
          pairs.map(([name, each]) => `${name}${T}${each}${T}www.genspark.ai`).join('\n'),
          pairs.map(([name, each]) => `${name}: ${each}`).join('\n'),
          pairs.map(([name, each]) => `Set-Cookie: ${name}=${each}; Path=/; HttpOnly`).join('\n'),
        ])
          expect(cookiesOf(parseCookieInput(text))).toEqual([header])
      }),
    )
  })

  it('G8: whatever is pasted is read or refused in words that do not repeat it, and never breaks a header', () => {
    const piece = fc.constantFrom(
      'session_id=canary',
      'curl ',
      "-b '",
      'Cookie:',
      '\n',
      '\t',
      '"',
      "'",
      '{',
      '[',
      '=',
      ';',
      ',',
      '\\',
      '^',
      '$',
      '\0',
      ' ',
    )
    fc.assert(
      fc.property(fc.array(fc.oneof(piece, fc.string()), { maxLength: 30 }), (pieces) => {
        try {
          for (const cookie of cookiesOf(parseCookieInput(pieces.join(''))))
            expect(cookie).toMatch(/^[\x20-\x7e]+$/)
        } catch (error) {
          if (!(error instanceof InvalidRequestError)) throw error
          expect(error.message).not.toContain('canary')
        }
      }),
    )
  })

  it('FINDINGS A9: says that cf_clearance will not help', () => {
    expect(parseCookieInput('session_id=abc; cf_clearance=x').problems).toEqual([
      'item 1: cf_clearance is bound to the browser that got it and will not help here',
    ])
  })

  it('takes a header just within 16 KiB', () => {
    const cookie = `session_id=${'x'.repeat(16 * 1024 - 11)}`
    expect(cookiesOf(parseCookieInput(cookie))).toEqual([cookie])
    expect(() => parseCookieInput(`${cookie}x`)).toThrow(InvalidRequestError)
  })

  it('G8: reads an export of EditThisCookie or Cookie-Editor, commas and quotes included', () => {
    const exported = [
      {
        name: 'session_id',
        value: 'abc',
        domain: '.genspark.ai',
        path: '/',
        hostOnly: false,
        expirationDate: 1799999999.5,
      },
      { name: 'p', value: '{"x":1,"y":"2"}', domain: 'www.genspark.ai', sameSite: 'lax', storeId: null },
      { name: 'csrf', value: 'login-host-only', domain: 'login.genspark.ai' },
      { name: 'NID', value: 'other-site', domain: '.google.com' },
      { name: 'session_id', value: 'older', domain: 'genspark.ai' },
    ]
    const text = JSON.stringify(exported, undefined, 2)
    expect(parseCookieInput(text).problems).toEqual([])
    expect(cookiesOf(parseCookieInput(text))).toEqual(['session_id=abc; p={"x":1,"y":"2"}'])
    expect(cookiesOf(parseCookieList(`\n${text}\n`))).toEqual(['session_id=abc; p={"x":1,"y":"2"}'])
  })

  it('G8: reads an export without domains', () => {
    expect(cookiesOf(parseCookieInput('[{"name":"session_id","value":"abc"}]'))).toEqual(['session_id=abc'])
  })

  it('G8: reads the storageState of Playwright', () => {
    const cookie = { path: '/', expires: -1, httpOnly: true, secure: true, sameSite: 'Lax' }
    const state = {
      cookies: [
        { ...cookie, name: 'c1', value: '1', domain: 'www.genspark.ai' },
        { ...cookie, name: 'session_id', value: 'abc', domain: 'www.genspark.ai' },
      ],
      origins: [],
    }
    expect(cookiesOf(parseCookieInput(JSON.stringify(state)))).toEqual(['c1=1; session_id=abc'])
  })

  it('takes the cookies of the host that it is told', () => {
    const text = '[{"name":"session_id","value":"abc","domain":"127.0.0.1"}]'
    expect(cookiesOf(parseCookieInput(text, { host: '127.0.0.1' }))).toEqual(['session_id=abc'])
  })

  it.each([
    "curl '",
    'curl "\\',
    "{'a':'b' ",
    'curl -b ^"',
    'System.Net.Cookie("',
    ', session_id=',
    ',',
    ' ',
    '="',
    '=",',
    'a=",;',
    ' ;',
    '@http://',
    '@http://,',
  ])('takes no more than linear time for a long run of %j', (unit) => {
    const text = `session_id=a; x=y${unit.repeat(50_000)} y z`
    expect(parseCookieList(text).accounts.length).toBeLessThanOrEqual(50_001)
    parseCookieList(unit.repeat(50_000))
  })
})

function thrownBy(action: () => unknown): InvalidRequestError {
  try {
    action()
  } catch (error) {
    if (error instanceof InvalidRequestError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}
