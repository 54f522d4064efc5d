import { expect } from 'chai';
import { judge } from '../../../hack/test/advisories.js';

describe('what npm audit says', () => {
  const finding = (severity: string): object => ({ severity, range: '<1.2.3' });

  it('passes with advisories of little severity, or none', () => {
    expect(judge(JSON.stringify({ vulnerabilities: {} }))).to.include({ passed: 1, failed: 0 });
    expect(judge(JSON.stringify({ vulnerabilities: { a: finding('moderate') } }))).to.include({ passed: 1 });
  });

  it('fails for each package with one of high severity', () => {
    const vulnerabilities = { a: finding('high'), b: finding('critical'), c: finding('low') };

    expect(judge(JSON.stringify({ vulnerabilities }))).to.deep.include({
      failed: 2,
      failures: [
        'a <1.2.3 has an advisory of high severity: npm audit',
        'b <1.2.3 has an advisory of critical severity: npm audit',
      ],
    });
  });

  it('is skipped where the registry says that it has no such service, and for no other reason', () => {
    const refused = (statusCode: number): string => JSON.stringify({ message: 'refused', statusCode });

    expect(judge(refused(405))).to.include({ failed: 0, skipped: 1 });
    for (const output of [refused(401), refused(503), '', JSON.stringify({ error: {} })]) {
      expect(judge(output), output).to.include({ failed: 1, skipped: 0 });
    }
  });
});
