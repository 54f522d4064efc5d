import { expect } from 'chai';
import { missingKeysMessage, permissionsMessage, unsyncedMessage } from '../../../src/sync/messages.js';
import { username } from './results.js';

describe('the messages', () => {
  const many = Array.from({ length: 25 }, (_, n) => `ns-${String(n).padStart(2, '0')}`);

  it('name the first 20 of many, then a count', () => {
    const denied = new Map(many.map((namespace) => [namespace, ['get'] as const]));

    expect(permissionsMessage(username, denied)).to.include('ns-19 and 5 more]').and.not.to.include('ns-20');
    expect(unsyncedMessage(0, many)).to.match(
      /^0 of 25 targets are in step; not: ns-00, .*ns-19 and 5 more$/,
    );
    expect(missingKeysMessage(many)).to.match(/ns-19 and 5 more$/);
  });
});
