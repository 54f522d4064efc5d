/** The parts of a core/v1 ConfigMap that a copy is made of and judged by. */
export interface ConfigMap {
  apiVersion?: string;
  kind?: string;
  metadata: ConfigMapMetadata;
  data?: Record<string, string>;
  /** Values in base64, as the API server gives them: they are copied without being decoded. */
  binaryData?: Record<string, string>;
  immutable?: boolean;
}

export interface ConfigMapMetadata {
  name: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  finalizers?: string[];
  ownerReferences?: unknown[];
}
