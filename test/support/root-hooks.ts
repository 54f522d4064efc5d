import { printFaults } from './fault-probe.js';
import { stopPlane } from './plane.js';
import { printAttacks } from './victim.js';

/** Mocha's root hooks: the shared control plane goes when the last test is over, and the attacks and faults are listed. */
export const mochaHooks = {
  afterAll: [stopPlane, printAttacks, printFaults],
};
