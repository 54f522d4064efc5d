import { expect } from 'chai';
import fc from 'fast-check';
import type {
  LabelSelector,
  LabelSelectorRequirement,
} from '../../../src/api/v1alpha1/config-map-sync-spec.js';
import { labelMatcher } from '../../../src/sync/targets.js';

const matchesSelector = (selector: LabelSelector, labels: Record<string, string>): boolean =>
  labelMatcher(selector)(labels);

describe('a label selector', () => {
  it('that is empty matches everything', () => {
    expect(matchesSelector({}, {})).to.equal(true);
    expect(matchesSelector({ matchLabels: {}, matchExpressions: [] }, { any: 'label' })).to.equal(true);
  });

  it('asks for every label with its value', () => {
    const selector = { matchLabels: { a: '1', b: '' } };

    expect(matchesSelector(selector, { a: '1', b: '', c: '3' })).to.equal(true);
    expect(matchesSelector(selector, { a: '1' })).to.equal(false);
    expect(matchesSelector(selector, { a: '2', b: '' })).to.equal(false);
  });

  it('matches by NotIn and DoesNotExist what lacks the label', () => {
    const notIn: LabelSelector = { matchExpressions: [{ key: 'a', operator: 'NotIn', values: ['1'] }] };
    const absent: LabelSelector = { matchExpressions: [{ key: 'a', operator: 'DoesNotExist' }] };

    expect(matchesSelector(notIn, {})).to.equal(true);
    expect(matchesSelector(notIn, { a: '1' })).to.equal(false);
    expect(matchesSelector(absent, {})).to.equal(true);
    expect(matchesSelector(absent, { a: '' })).to.equal(false);
  });

  it('does not take what every JavaScript object has for a label', () => {
    const selector: LabelSelector = { matchExpressions: [{ key: 'constructor', operator: 'Exists' }] };

    expect(matchesSelector(selector, {})).to.equal(false);
  });

  it('is searched a few times only, however many namespaces are compared with it', () => {
    let searches = 0;
    const values = Array.from({ length: 1000 }, (_, i) => `v${i}`);
    const counted = Object.assign([...values], {
      includes: (value: string) => {
        searches += 1;
        return values.includes(value);
      },
    });
    const matches = labelMatcher({ matchExpressions: [{ key: 'a', operator: 'NotIn', values: counted }] });

    for (let i = 0; i < 2000; i += 1) expect(matches({ a: `v${i}` })).to.equal(i >= 1000);
    expect(searches).to.be.at.most(16);
  });

  it('means what a plain reading of the Kubernetes rules means', () => {
    const key = fc.constantFrom('a', 'b', 'constructor');
    const value = fc.constantFrom('', '1', '2');
    const labels = fc.dictionary(key, value);
    const requirement: fc.Arbitrary<LabelSelectorRequirement> = fc.oneof(
      fc.record({
        key,
        operator: fc.constantFrom('In' as const, 'NotIn' as const),
        values: fc.array(value, { minLength: 1 }),
      }),
      fc.record({ key, operator: fc.constantFrom('Exists' as const, 'DoesNotExist' as const) }),
    );
    const selector: fc.Arbitrary<LabelSelector> = fc.record(
      { matchLabels: labels, matchExpressions: fc.array(requirement) },
      { requiredKeys: [] },
    );

    fc.assert(
      fc.property(selector, fc.array(labels, { maxLength: 40 }), (asked, namespaces) => {
        const matches = labelMatcher(asked);
        for (const given of namespaces) {
          expect(matches(given)).to.equal(naively(asked, new Map(Object.entries(given))));
        }
      }),
    );
  });
});

/** Counts the requirements that are broken, one after the other. */
function naively({ matchLabels, matchExpressions }: LabelSelector, labels: Map<string, string>): boolean {
  let broken = 0;
  for (const [key, value] of Object.entries(matchLabels ?? {})) if (labels.get(key) !== value) broken += 1;
  for (const { key, operator, values } of matchExpressions ?? []) {
    const among = labels.has(key) && new Set(values).has(labels.get(key)!);
    if (operator === 'In' && !among) broken += 1;
    if (operator === 'NotIn' && among) broken += 1;
    if (operator === 'Exists' && !labels.has(key)) broken += 1;
    if (operator === 'DoesNotExist' && labels.has(key)) broken += 1;
  }
  return broken === 0;
}
