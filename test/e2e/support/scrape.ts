import { request } from 'node:https';

/**
 * What Prometheus would get of the operator's metrics, in its text format. The certificate is the operator's own, which
 * nobody can verify.
 * @param address `host:port`
 */
export function scrape(address: string, token: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = {
      headers: { authorization: `Bearer ${token}` },
      rejectUnauthorized: false,
      agent: false,
    };
    request(`https://${address}/metrics`, options, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve(text));
    })
      .on('error', reject)
      .end();
  });
}
