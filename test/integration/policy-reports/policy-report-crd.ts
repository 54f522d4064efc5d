/** The shape of wgpolicyk8s.io/v1alpha2 PolicyReports, as strict about what we write as the published definition is. */
const text = { type: 'string' };
const count = { type: 'integer' };

export const policyReportCrd = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: {
    name: 'policyreports.wgpolicyk8s.io',
    // The group looks like one of Kubernetes' own, which asks for a word of approval.
    annotations: { 'api-approved.kubernetes.io': 'unapproved, a test' },
  },
  spec: {
    group: 'wgpolicyk8s.io',
    scope: 'Namespaced',
    names: {
      kind: 'PolicyReport',
      listKind: 'PolicyReportList',
      plural: 'policyreports',
      singular: 'policyreport',
    },
    versions: [
      {
        name: 'v1alpha2',
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              apiVersion: text,
              kind: text,
              metadata: { type: 'object' },
              summary: {
                type: 'object',
                properties: { pass: count, fail: count, warn: count, error: count, skip: count },
              },
              results: {
                type: 'array',
                items: {
                  type: 'object',
                  required: ['policy'],
                  properties: {
                    policy: text,
                    rule: text,
                    source: text,
                    category: text,
                    message: text,
                    result: { ...text, enum: ['pass', 'fail', 'warn', 'error', 'skip'] },
                    severity: { ...text, enum: ['critical', 'high', 'low', 'medium', 'info'] },
                    scored: { type: 'boolean' },
                    properties: { type: 'object', additionalProperties: text },
                    timestamp: {
                      type: 'object',
                      required: ['nanos', 'seconds'],
                      properties: {
                        nanos: { ...count, format: 'int32' },
                        seconds: { ...count, format: 'int64' },
                      },
                    },
                    resources: {
                      type: 'array',
                      items: {
                        type: 'object',
                        properties: { apiVersion: text, kind: text, name: text, namespace: text, uid: text },
                      },
                    },
                  },
                },
              },
            },
          },
        },
      },
    ],
  },
};
