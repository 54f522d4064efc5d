import { Agent, get } from 'node:https';

export interface ClientCredentials {
  ca: string;
  cert: string;
  key: string;
}

/** Whether the API server's `/readyz` says ok. Anything else, a refused connection or a wrong certificate included, is a no. */
export function isReady(server: string, credentials: ClientCredentials): Promise<boolean> {
  const agent = new Agent({ keepAlive: false });
  return new Promise((resolve) => {
    const request = get(`${server}/readyz`, { ...credentials, agent, timeout: 2000 }, (response) => {
      response.resume();
      response.once('end', () => resolve(response.statusCode === 200));
      response.once('error', () => resolve(false));
    });
    request.once('timeout', () => request.destroy());
    request.once('error', () => resolve(false));
  });
}
