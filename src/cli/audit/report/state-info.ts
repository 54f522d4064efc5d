import type { TargetState } from '../../../api/v1alpha1/target-status.js';

export interface StateInfo {
  /** One character: a state is never told by its colour alone. */
  symbol: string;
  tone: 'good' | 'bad' | 'warn' | 'quiet';
  meaning: string;
}

/** How a page shows each state, in the order of what an auditor looks for first. */
export const STATE_INFO: Readonly<Record<TargetState, StateInfo>> = {
  Denied: { symbol: '✕', tone: 'bad', meaning: 'rights are missing, and there is no copy' },
  Stale: { symbol: '◐', tone: 'bad', meaning: 'rights are missing, and a copy from earlier is still there' },
  Failed: { symbol: '!', tone: 'bad', meaning: 'the API server refused for another reason' },
  Conflict: { symbol: '≠', tone: 'warn', meaning: 'a ConfigMap of that name belongs to somebody else' },
  NamespaceNotFound: { symbol: '?', tone: 'warn', meaning: 'there is no such namespace' },
  Terminating: { symbol: '†', tone: 'quiet', meaning: 'the namespace is being deleted' },
  Pending: { symbol: '…', tone: 'quiet', meaning: 'not looked at yet, or held up by source or identity' },
  Synced: { symbol: '✓', tone: 'good', meaning: 'the copy equals the source' },
  Skipped: { symbol: '–', tone: 'quiet', meaning: "the source's own place" },
};

export const STATES_BY_INTEREST = Object.keys(STATE_INFO) as TargetState[];
