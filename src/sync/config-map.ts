import type { ObjectMeta } from '../api/kubernetes.js';

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

export interface ConfigMapMetadata extends Partial<ObjectMeta> {
  name: string;
  ownerReferences?: unknown[];
}
