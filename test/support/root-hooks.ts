import { stopPlane } from './plane.js';

/** Mocha's root hooks: the shared control plane goes when the last test is over. */
export const mochaHooks = {
  afterAll: stopPlane,
};
