/** A question to the API server in the form of an object that it answers and does not store. */
export function reviewRequest(
  group: 'authentication.k8s.io' | 'authorization.k8s.io',
  kind: string,
  spec?: object,
) {
  const apiVersion = `${group}/v1`;
  const path = `/apis/${apiVersion}/${kind.toLowerCase()}s`;
  return { method: 'POST', path, body: { apiVersion, kind, ...(spec && { spec }) } } as const;
}
