import { expect } from 'chai';
import { eventually } from '../../support/eventually.js';
import type { EventObject, TestTenant } from '../../support/tenant.js';

/** Waits until just so many Events of this reason tell of the ConfigMapSync: they are written in the background. */
export async function told(tenant: TestTenant, reason: string, count = 1): Promise<EventObject[]> {
  return eventually(async () => {
    const events = await tenant.events(reason);
    expect(events, reason).to.have.length(count);
    return events;
  });
}
