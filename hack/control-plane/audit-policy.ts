/**
 * What the API server's own audit log records: who did what to which object, and no content at all.
 * `Metadata` never holds a request or response body, so no token, ConfigMap or Secret can end up in the file.
 */
export const METADATA_AUDIT_POLICY = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
`;
