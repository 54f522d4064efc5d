import { expect } from 'chai';
import { ApiError } from '../../../../src/k8s/client/errors.js';
import { redactText, redactValue } from '../../../../src/telemetry/logging/redact.js';
import { longTexts } from '../../../support/foreign-text.js';

const TOKEN = 'eyJhbGciOiJSUzI1NiIsImtpZCI6IkEifQ.eyJzdWIiOiJzeXN0ZW06c2VydmljZWFjY291bnQifQ.c2ln-bmF0_dXJl';

describe('redaction', () => {
  const plain = (value: unknown): unknown => redactValue(value, { stacks: false });

  const texts: [string, string, string][] = [
    ['a token', `got ${TOKEN}.`, 'got [redacted].'],
    ['a token glued to other text', `token=x${TOKEN}&y`, 'token=x[redacted]&y'],
    ['a token without its signature', TOKEN.slice(0, TOKEN.lastIndexOf('.')), '[redacted]'],
    ['the first part of a token', TOKEN.slice(0, 20), '[redacted]'],
    ['two tokens', `${TOKEN} ${TOKEN}`, '[redacted] [redacted]'],
    ['an Authorization header', `Authorization: Bearer abc.def`, 'Authorization: [redacted]'],
    ['a header in small letters', `{"authorization":"bearer abc"}`, '{"authorization":"[redacted]"}'],
    ['basic credentials', 'Basic dXNlcjpwYXNz', '[redacted]'],
    ['an opaque token', 'sent Bearer abc-123, refused', 'sent [redacted], refused'],
    ['a quoted token', 'curl -H "Authorization: Bearer \'abc\'"', 'curl -H "Authorization: [redacted]\'"'],
    ['a token in angle brackets', 'Bearer <opaque> was refused', '[redacted]> was refused'],
    ['a token in a URL', '?header=Bearer%20abc&x=1', '?header=[redacted]'],
    [
      'a header without a scheme',
      'Authorization: abc, Accept: */*',
      'Authorization: [redacted], Accept: */*',
    ],
    ['a header of another scheme', 'proxy-authorization: Negotiate abc', 'proxy-authorization: [redacted]'],
    ['a cookie', 'Set-Cookie: session=abc; Path=/', 'Set-Cookie: [redacted]; Path=/'],
    ['a field of a body', '{"password": "abc", "a": 1}', '{"password": "[redacted]", "a": 1}'],
    [
      'a field of a quoted body',
      String.raw`"{\"id_token\":\"abc\"}"`,
      String.raw`"{\"id_token\":\"[redacted]"}"`,
    ],
    ['a parameter', 'grant?access_token=abc&a=1', 'grant?access_token=[redacted]&a=1'],
    ['the password of a URL', 'proxy http://me:p@ss@proxy:3128/x', 'proxy http://[redacted]@proxy:3128/x'],
    ['a URL that has a user alone', 'git+ssh://token@host', 'git+ssh://[redacted]@host'],
  ];
  for (const [what, text, expected] of texts) {
    it(`takes ${what} out of a text`, () => {
      expect(redactText(text)).to.equal(expected);
    });
  }

  const ordinary = [
    'system:serviceaccount:team-a:default may not create configmaps in namespace "eyjafjalla"',
    // Of namespaces that tenants name so, to be hidden in an audit log.
    'system:serviceaccount:password:default',
    'system:serviceaccount:authorization:cookie',
    'cannot reach https://10.0.0.1:6443/api: mail ops@example.com, or see registry/image@sha256:0a',
  ];
  for (const text of ordinary) {
    it(`leaves ordinary text alone: ${text}`, () => {
      expect(redactText(text)).to.equal(text);
    });
  }

  it('takes no time for 1 MiB of anything', () => {
    const started = performance.now();
    for (const [what, text] of longTexts()) {
      expect(redactText(text), what).to.have.length.below(8300);
      plain({ [text]: text });
    }

    expect(performance.now() - started).to.be.below(45_000);
  }).timeout(60_000);

  it('leaves no head of a credential where a long text is cut before it is searched', () => {
    for (const secret of [TOKEN, 'https://user:SECRET@host', 'Bearer SECRET']) {
      for (let at = 0; at < secret.length; at += 1) {
        // What is replaced makes room: what stands far behind moves up.
        const text = `${'Bearer abc '.repeat(1200)}${'x'.repeat(16_384 - 13_200 - at)} ${secret} ${'y'.repeat(9000)}`;

        expect(redactText(text)).to.not.match(/eyJ|SECR|user/);
      }
    }
  });

  it('cuts an endless text, and a token that spans the cut leaves no part behind', () => {
    const text = redactText(`${'x'.repeat(8180)}${TOKEN}${'y'.repeat(1000)}`);

    expect(text).to.have.length.below(8300).and.not.to.contain('eyJ');
  });

  it('reaches into nested objects, lists, maps, sets and keys', () => {
    const value = {
      list: [{ deep: `x ${TOKEN}` }],
      map: new Map([[TOKEN, TOKEN]]),
      set: new Set([TOKEN]),
      [TOKEN]: 1,
    };

    expect(plain(value)).to.deep.equal({
      list: [{ deep: 'x [redacted]' }],
      map: { '[redacted]': '[redacted]' },
      set: ['[redacted]'],
      '[redacted]': 1,
    });
  });

  it('hides what stands under the name of a credential, whatever it looks like', () => {
    const value = {
      Authorization: 'secret',
      accessToken: 'opaque',
      'set-cookie': 'a=b',
      cachedTokens: 5,
      authorization: ['opaque', 'other'],
      tokens: new Set(['opaque']),
      clientSecret: { value: 'opaque' },
      'client-key-data': Buffer.from('opaque'),
      apiKey: 12345,
      cookie: new Map([['session', 'opaque']]),
      token: null,
      hasToken: true,
    };

    expect(plain(value)).to.deep.equal({
      Authorization: '[redacted]',
      accessToken: '[redacted]',
      'set-cookie': '[redacted]',
      cachedTokens: 5,
      authorization: '[redacted]',
      tokens: '[redacted]',
      clientSecret: '[redacted]',
      'client-key-data': '[redacted]',
      apiKey: '[redacted]',
      cookie: '[redacted]',
      token: null,
      hasToken: true,
    });
  });

  it('keeps of an error its name, message, codes and cause, never its headers or body', () => {
    const cause = Object.assign(new TypeError(`fetch failed with ${TOKEN}`), {
      headers: { authorization: `Bearer ${TOKEN}` },
      body: TOKEN,
      code: 'ECONNRESET',
    });
    const error = new ApiError(
      { code: 403, reason: 'Forbidden', message: `no: Bearer ${TOKEN}`, auditID: 'a-1' },
      { cause },
    );

    expect(plain({ error })).to.deep.equal({
      error: {
        name: 'ApiError',
        message: 'no: [redacted]',
        code: 403,
        reason: 'Forbidden',
        auditID: 'a-1',
        cause: { name: 'TypeError', message: 'fetch failed with [redacted]', code: 'ECONNRESET' },
      },
    });
  });

  it('adds stacks where they are asked for, redacted as well', () => {
    const { stack } = redactValue(new Error(TOKEN), { stacks: true }) as { stack: string };

    expect(stack).to.contain('Error: [redacted]').and.to.contain('    at ');
  });

  it('stays finite and calm on cycles, depth, size, throwing getters and what JSON has no word for', () => {
    const cycle: Record<string, unknown> = {
      big: 10n,
      none: undefined,
      run: () => 1,
      bytes: Buffer.from(TOKEN),
    };
    cycle.self = cycle;
    const deep = JSON.parse('{"a":'.repeat(50) + '1' + '}'.repeat(50)) as unknown;
    const hostile = Object.defineProperty({}, 'x', {
      enumerable: true,
      get: () => {
        throw new Error('no');
      },
    });

    expect(plain(cycle)).to.deep.equal({
      big: '10',
      bytes: `[${TOKEN.length} bytes]`,
      self: '[circular]',
    });
    expect(JSON.stringify(plain(deep)))
      .to.contain('[…]')
      .and.to.have.length.below(100);
    expect(plain(Array.from({ length: 1000 }, () => 1))).to.have.length(101);
    expect(plain({ hostile })).to.deep.equal({ hostile: '[unreadable]' });
  });

  it('shows the same object twice where it occurs twice', () => {
    const shared = { a: 1 };

    expect(plain([shared, shared])).to.deep.equal([{ a: 1 }, { a: 1 }]);
  });
});
