import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { renderHtml } from '../../../../../src/cli/audit/report/html.js';
import { markup } from '../../../../../src/cli/audit/report/markup.js';
import { findingsOf } from '../../../../../src/cli/audit/report/report-row.js';
import type { ConfigMapSync } from '../../../../../src/api/v1alpha1/config-map-sync.js';
import { refused, syncWith, target } from '../../../../support/report-fixture.js';

const EVIL = `<img src=x onerror="alert(1)"></script><script>alert(2)</script>'"&`;

function render(...syncs: ConfigMapSync[]): string {
  return renderHtml({
    findings: findingsOf(syncs),
    operator: 'system:serviceaccount:ops:weaver',
    server: 'https://127.0.0.1:6443',
    namespace: undefined,
    at: new Date('2026-03-04T05:06:07Z'),
  });
}

function digest(text: string | undefined): string {
  return createHash('sha256')
    .update(text ?? '')
    .digest('base64');
}

describe('the report as HTML', () => {
  it('lets nothing run or load but the script and the style that are in it', () => {
    const page = render(syncWith({ targets: [refused('prod')] }));

    const policy = /http-equiv="Content-Security-Policy" content="([^"]*)"/
      .exec(page)?.[1]
      ?.replaceAll('&#39;', "'");
    const [script] = [...page.matchAll(/<script>([^]*?)<\/script>/g)];
    const [style] = [...page.matchAll(/<style>([^]*?)<\/style>/g)];
    expect(policy).to.equal(
      `default-src 'none'; script-src 'sha256-${digest(script?.[1])}'; style-src 'sha256-${digest(style?.[1])}'; base-uri 'none'; form-action 'none'`,
    );
    expect(page).to.not.match(/\s(?:style|on\w+)=|<link|<img|src=/);
  });

  it('keeps what tenants write text, wherever it stands', () => {
    const sync = syncWith({
      namespace: EVIL,
      name: EVIL,
      spec: { serviceAccount: { name: EVIL }, source: { name: EVIL } },
      targets: [
        target(EVIL, 'Denied', { reason: EVIL, message: EVIL, lastTransitionTime: EVIL }),
        target('b', 'Failed', { reason: EVIL, message: EVIL }),
      ],
    });

    const page = render(sync);

    expect(page).to.not.contain('<img').and.to.not.contain('alert(2)</script>');
    expect([...page.matchAll(/<script/g)]).to.have.length(1);
    // Quotes as well: they would end an attribute.
    expect(page).to.not.match(/data-\w+="[^"]*'/);
    expect(page).to.contain('&lt;img src=x onerror=&quot;alert(1)&quot;&gt;');
  });

  it('shows text that would turn the direction of a line as what it is', () => {
    expect(markup`<p>${'a\u202Eb\nc'}</p>`.toString()).to.equal('<p>a\\u202eb\nc</p>');
  });

  it('holds the RBAC that mends each denial', () => {
    const page = render(syncWith({ targets: [refused('prod')] }));

    expect(page).to.match(
      /<pre[^>]*>---\napiVersion: rbac.authorization.k8s.io\/v1\nkind: Role\n[^<]*namespace: prod\n/,
    );
  });

  it('tells in words what a message tells, and its manifests once', () => {
    const sync = syncWith({ targets: [target('prod', 'Pending', { reason: 'NotEvaluated' })] });
    sync.status!.conditions = [
      {
        type: 'Ready',
        status: 'False',
        reason: 'TokenRequestDenied',
        message: 'may not request a token. To grant it, apply:\n---\nkind: Role\nname: in-the-message\n',
        lastTransitionTime: '2026-03-04T05:06:07Z',
      },
    ];

    const page = render(sync);

    expect(page).to.contain(
      '<p class="message">may not request a token. To grant it, apply: what config-weaver grant prints</p>',
    );
    expect(page).to.not.contain('in-the-message');
    expect([...page.matchAll(/kind: RoleBinding\n/g)]).to.have.length(1);
  });

  it('lets a browser guess the height of whole portions only', () => {
    const targets = Array.from({ length: 53 }, (_, index) => target(`namespace-${index}`, 'Synced'));

    const page = render(syncWith({ targets }));

    const portions = [...page.matchAll(/<tbody [^>]*class="(\w+)">([^]*?)<\/tbody>/g)];
    expect(portions.map(([, size, rows]) => [size, rows?.match(/<tr /g)?.length])).to.deep.equal([
      ['full', 50],
      ['rest', 3],
    ]);
  });

  it('says so where nothing is denied, and where there is nothing at all', () => {
    expect(render(syncWith({ targets: [target('foo', 'Synced')] }))).to.contain('Nothing is denied.');
    expect(render()).to.contain('There is no other target.');
  });
});
