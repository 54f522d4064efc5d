/** All but `rejectUnauthorized` in PEM. */
export interface ClusterTls {
  ca?: Buffer | undefined;
  /** The operator's client certificate. The API server prefers it to any token on the same connection. */
  cert?: Buffer | undefined;
  key?: Buffer | undefined;
  /** The name that the server's certificate must carry, where it is not that of the URL. */
  servername?: string | undefined;
  rejectUnauthorized: boolean;
}

/** How to reach the API server, and as whom: everything that a kubeconfig or a pod knows of it. */
export interface ClusterConnection {
  /** URL without a trailing slash; may have a path. */
  server: string;
  /** The context's, or the pod's own; `default` where neither says. */
  namespace: string;
  /** Where this was found, for the log. */
  source: string;
  /** As it was at the start. */
  tls: ClusterTls;
  /** The same as its files have it now; undefined where they cannot be used as they are. Left out where there are none. */
  readTls?: (() => Promise<ClusterTls | undefined>) | undefined;
  /** URL of an HTTP, HTTPS or SOCKS5 proxy. */
  proxy?: string | undefined;
  /**
   * The operator's own `Authorization` header, fresh enough to be used at once; undefined where the client certificate is
   * the identity. Never to be logged.
   */
  authorize(signal?: AbortSignal): Promise<string | undefined>;
  /**
   * The API server answered 401 to this header of {@link authorize}: looks for another one, as often as its source can bear.
   * False where there is none yet. Left out where there never will be.
   * @throws KubeconfigError as `authorize` does.
   */
  renew?: ((rejected: string | undefined, signal?: AbortSignal) => Promise<boolean>) | undefined;
}

/** There is no usable kubeconfig. The message is one line that says what was looked for and how to mend it. */
export class KubeconfigError extends Error {
  override readonly name = 'KubeconfigError';
}
