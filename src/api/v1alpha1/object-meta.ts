/**
 * The part of metav1.ObjectMeta that is read here. Same shape as the runtime's own ObjectMeta, declared again
 * because the API layer stands on nothing else.
 */
export interface ObjectMeta {
  name: string;
  namespace?: string;
  /** '' in an object that was never sent to the API server. */
  uid: string;
  /** '' in an object that was never sent to the API server. */
  resourceVersion: string;
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  deletionGracePeriodSeconds?: number;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  finalizers?: string[];
}
